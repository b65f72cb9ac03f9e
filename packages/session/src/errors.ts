/**
 * Understood and refused; the connection lives on. `code` is stable and snake_case, and the message may be shown
 * to the peer: it holds no secret.
 */
export class RefusedError extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = "RefusedError";
    this.code = code;
  }
}

/** Why the core refuses; each protocol has its own words for them. */
export type RefusalCode =
  | "invalid_name"
  | "name_too_short"
  | "name_taken"
  | "not_in_room"
  | "not_logged_in"
  | "rate_limited"
  | "timeout"
  | "too_many_connections"
  | "too_many_groups"
  | "unavailable"
  | "unknown_user"
  | "wrong_password"
  | "wrong_user_or_password";

/** Our own caller is wrong: a bug of the program, never of a peer. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
