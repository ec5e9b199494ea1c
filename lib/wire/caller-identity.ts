/** The header that says for whom a request was signed; see `aws.audience` in the options. */
export const audienceHeader = 'x-passport-control-audience';

/** A header that makes one signature unlike another of the same second; whatever it says, it is for nothing else. */
export const nonceHeader = 'x-passport-control-nonce';

/** The one request that is ever made to STS: who has signed this? */
export const callerIdentityBody = 'Action=GetCallerIdentity&Version=2011-06-15';
/** What that body is. */
export const callerIdentityType = 'application/x-www-form-urlencoded; charset=utf-8';
