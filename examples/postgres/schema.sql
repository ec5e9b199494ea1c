-- The tables of the example. It may be run again, and by two nodes at once. Where it is sent as one query, as server.ts
-- does, it is one transaction; with psql, run it by `psql -1 -f schema.sql`.

select pg_advisory_xact_lock(hashtextextended('schema of passport-control', 0));

-- What the host knows: accounts, users, apps, second factors and identity providers.

create table if not exists accounts (
  id uuid primary key default gen_random_uuid(),
  enabled boolean not null default true,
  -- How users may sign in. Null restricts nothing; an empty list lets nobody in.
  sign_in_methods text[],
  sign_in_idp_ids text[],
  sign_in_second_factor text check (sign_in_second_factor = 'require')
);

create table if not exists users (
  id uuid primary key default gen_random_uuid(),
  -- In canonical form: whoever writes it calls canonicalEmail().
  email text not null unique,
  enabled boolean not null default true,
  -- By hashPassword(); null for a user without a password.
  password_hash text,
  -- Add one with each new password: older sessions end.
  credential_version integer not null default 1
);

create table if not exists account_members (
  user_id uuid not null references users on delete cascade,
  account_id uuid not null references accounts on delete cascade,
  primary key (user_id, account_id)
);
create index if not exists account_members_by_account on account_members (account_id);

create table if not exists apps (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references accounts on delete cascade,
  name text not null,
  enabled boolean not null default true,
  unique (account_id, name),
  unique (id, account_id)
);

create table if not exists app_secrets (
  app_id uuid not null references apps on delete cascade,
  id text not null,
  -- By hashSecret().
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  valid_until timestamptz,
  primary key (app_id, id)
);

-- A role or user of AWS signs in as one app of an account.
create table if not exists app_aws_principals (
  app_id uuid not null,
  account_id uuid not null,
  partition text not null,
  aws_account_id text not null check (aws_account_id ~ '^[0-9]{12}$'),
  type text not null check (type in ('user', 'role', 'federated-user')),
  name text not null,
  -- Null for whoever has the name now.
  unique_id text,
  primary key (account_id, partition, aws_account_id, type, name),
  foreign key (app_id, account_id) references apps (id, account_id) on delete cascade
);

create table if not exists identity_providers (
  id text primary key,
  account_id uuid not null references accounts on delete cascade,
  kind text not null check (kind in ('saml', 'oauth', 'ldap')),
  name text not null,
  icon_url text not null,
  enabled boolean not null default true,
  domains text[] not null default '{}',
  authoritative boolean not null default false,
  second_factor text not null default 'require' check (second_factor in ('trust', 'require')),
  -- What its kind has beside these, by the names of IdentityProvider. Client secrets and passwords of directories are here.
  settings jsonb not null,
  check (kind <> 'saml' or settings ? 'entityId')
);
create index if not exists identity_providers_by_account on identity_providers (account_id);
create index if not exists identity_providers_by_domain on identity_providers using gin (domains);
create index if not exists identity_providers_by_entity_id
  on identity_providers ((settings ->> 'entityId')) where kind = 'saml';

-- A subject is linked to one user, and a user to one subject of each provider.
create table if not exists user_identities (
  idp_id text not null references identity_providers on delete cascade,
  subject text not null,
  user_id uuid not null references users on delete cascade,
  primary key (idp_id, subject),
  unique (user_id, idp_id)
);

-- Names of devices have up to 4,096 characters, which is more than the key of an index may have.
create or replace function digest_of(name text) returns bytea language sql immutable
  as $$ select sha256(convert_to(name, 'UTF8')) $$;

create table if not exists mfa_devices (
  credential_id text primary key,
  user_id uuid not null references users on delete cascade,
  name text not null,
  type text not null check (type in ('Fido2', 'U2f')),
  public_key bytea not null,
  counter bigint not null check (counter between 0 and 4294967295),
  transports text[] not null,
  backup_eligible boolean not null,
  backed_up boolean not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  origin text
);
create unique index if not exists mfa_devices_by_name on mfa_devices (user_id, digest_of(name));

-- One row for each user: two statements that replace, or use up, the codes of one user wait for each other.
create table if not exists recovery_codes (
  user_id uuid primary key references users on delete cascade,
  hashes text[] not null
);

-- What the nodes share. Every row has an end, and is taken out after it.

-- As connect-pg-simple wants it, but with a time zone: its own `timestamp` means another moment in each.
create table if not exists session (
  sid varchar primary key,
  sess json not null,
  expire timestamptz not null
);
create index if not exists session_by_end on session (expire);

create table if not exists one_time (
  key text primary key,
  value text not null,
  ends_at timestamptz not null
);
create index if not exists one_time_by_end on one_time (ends_at);

create table if not exists counters (
  key text primary key,
  count integer not null check (count >= 0),
  ends_at timestamptz not null
);
create index if not exists counters_by_end on counters (ends_at);

create table if not exists session_index (
  entity text not null,
  key text not null,
  ends_at timestamptz not null,
  primary key (entity, key)
);
create index if not exists session_index_by_end on session_index (ends_at);

-- Files a session, and takes out those of the entity that end soonest where there are more than `most`: never the one that
-- is filed. Calls for one entity wait for each other; each statement of the function sees what the one before has left.
create or replace function file_session(of_entity text, session_key text, session_ends_at timestamptz, most bigint)
returns setof text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('session_index ' || of_entity, 0));
  insert into session_index (entity, key, ends_at) values (of_entity, session_key, session_ends_at)
    on conflict (entity, key) do update set ends_at = excluded.ends_at;
  return query
    delete from session_index where entity = of_entity and key = any (array(
      select key from session_index
      where entity = of_entity and ends_at > now() and key <> session_key
      order by ends_at, key
      limit greatest(0, (select count(*) from session_index where entity = of_entity and ends_at > now()) - most)
    ))
    returning key;
end $$;
