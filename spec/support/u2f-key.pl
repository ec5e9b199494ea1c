# A U2F key that others have written, told what to do by JSON lines: ["register", appId, challenge] or
# ["sign", appId, challenge, keyHandle]. It answers each by a line, as U2F's JavaScript API would.
use strict;
use warnings;
use Authen::U2F::Tester;
use JSON::MaybeXS qw(decode_json encode_json);

my ($key_file, $cert_file) = @ARGV;
my $key = Authen::U2F::Tester->new(key_file => $key_file, cert_file => $cert_file);
$| = 1;
while (my $line = <STDIN>) {
    my ($what, @given) = @{ decode_json($line) };
    my $answer = $what eq 'register' ? $key->register(@given) : $key->sign(@given);
    if (!$answer->is_success) {
        print encode_json({ errorCode => $answer->error_code }), "\n";
    } elsif ($what eq 'register') {
        print encode_json({
            registrationData => $answer->registration_data,
            clientData       => $answer->client_data,
        }), "\n";
    } else {
        print encode_json({
            keyHandle     => $answer->key_handle,
            signatureData => $answer->signature_data,
            clientData    => $answer->client_data,
        }), "\n";
    }
}
