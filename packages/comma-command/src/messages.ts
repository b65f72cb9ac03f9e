/** What a client says. See PROTOCOL.md [COMMA-2]. */
export type ClientMessage = CommandMessage | InvalidMessage;

/**
 * A command. It is told by positions in its frame's data, and nothing is copied or decoded until a rule has to look
 * at it: `commandName`, `requestId`, `argumentTexts` and `argumentBytes` read its parts.
 */
export interface CommandMessage {
  readonly type: "command";
  /** The frame's data, UTF-8. Lent: copy it to keep it. */
  readonly data: Uint8Array;
  /** `data` up to here is `req,<ID>`, which the reply starts with too; 0 where the command is not under `req`. */
  readonly reqEnd: number;
  /** The command's name is `data` from here … */
  readonly nameStart: number;
  /** … up to here: a comma follows, and the arguments, or nothing. */
  readonly nameEnd: number;
}

/** A frame that is no command; the connection lives on. Its error is `syntax`. */
export interface InvalidMessage {
  readonly type: "invalid";
  /** The frame's data. Lent: copy it to keep it. */
  readonly data: Uint8Array;
  /** As in `CommandMessage`. */
  readonly reqEnd: number;
  /** What is wrong, and what would be right. */
  readonly text: string;
}

/** What a server says. See PROTOCOL.md [COMMA-3]. `id` is that of the `req` it answers, if it answers one. */
export type ServerMessage =
  | { readonly type: "reply"; readonly id: string | undefined; readonly values: readonly string[] }
  | {
      readonly type: "error";
      readonly id: string | undefined;
      /** Whether the server closes the connection after it. */
      readonly fatal: boolean;
      /** One of `ERRORS`, or one of a newer server. */
      readonly code: string;
      readonly text: string;
    }
  /** What another client sent with `send`: the command and its arguments. */
  | { readonly type: "send"; readonly from: string; readonly fields: readonly string[] };

/** Every error a server can answer, and what it means: the one list that code, documents and tests read. */
export const ERRORS = {
  unhandled: "the server failed to do it; its operator can read why",
  request_too_long: "the frame is longer than allowed; the connection closes",
  timeout: "the request took too long; where it is the frame or the session that did, the connection closes",
  command_not_found: "the server has no command of this name",
  syntax:
    "the frame does not have the form of its command; where its fifth byte is not 00, the connection closes",
  name_too_short: "a user name has at least 3 characters",
  invalid_name: "the user name is taken, too long, or holds a character that user names may not hold",
  wrong_user_or_password: "the user does not exist or the password is wrong",
  not_logged_in: "log in first, with login",
  rate_limited: "too much at once; try again later",
} as const;

export type ErrorCode = keyof typeof ERRORS;
