/** Names of the system and of Node, and classes or codes of PostgreSQL, that may be gone a moment later. */
const PASSING =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT|08...|53...|57P0[123])$/;
/** What `pg` says without a code. */
const PASSING_TEXT = /Connection terminated|timeout exceeded|timeout expired|Query read timeout/;

/** Whether an error is one of a server that is starting, is being restarted, or cannot be reached at the moment. */
export function isPassing(error: unknown): boolean {
  const { code, message } = error as Error & { code?: string };
  return code === undefined ? PASSING_TEXT.test(message) : PASSING.test(code);
}

const UNKNOWN_ISSUER = "nobody known signed its certificate; name the CA's in the URL: sslrootcert=/path";

/** See https://www.postgresql.org/docs/current/errcodes-appendix.html */
const EXPLANATIONS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there; start PostgreSQL, or name another host or port",
  ENOENT: "there is no socket in that directory; start PostgreSQL, or name another host",
  ENOTFOUND: "the host is not known; name another",
  EAI_AGAIN: "the host is not known yet; look at the name service",
  "25006": "it can only be read; name the primary server",
  "28000": "this user may not connect; see the server's pg_hba.conf",
  "28P01": "the password is wrong, or there is no such user",
  "3D000": "there is no such database; make it with createdb",
  "42501": "this user may not make tables in it; make it the owner of the database",
  "42P07": "it has a table `accounts` of another program; give the accounts a database of their own",
  "53300": "it has no connection left; raise its max_connections",
  "57014": "a statement took too long, or another server is at its tables; raise migrationTimeoutMs",
  "57P03": "it is starting or stopping",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_ISSUER,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host; name that, or say sslmode=verify-ca",
};

/** What `pg` says without a code. */
const TEXT_EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL/, "it takes no TLS; turn `ssl` on there, or say sslmode=disable"],
  [/password must be a/, "it asks for a password, and the URL has none"],
  [PASSING_TEXT, "it does not answer; look at host and port, and at firewalls on the way"],
];

/** What an error at the opening means and what would be right, with what was said behind it. */
export function explainPostgres(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  const known = EXPLANATIONS[code ?? ""] ?? TEXT_EXPLANATIONS.find(([said]) => said.test(message))?.[1];
  return known === undefined ? message : `${known} (${message})`;
}
