/** What a client says. See PROTOCOL.md [COLON-2]. */
export type ClientMessage =
  | { readonly type: "login"; readonly username: string; readonly password: string }
  | { readonly type: "list"; readonly password: string }
  | { readonly type: "join"; readonly room: string; readonly password: string }
  | { readonly type: "leave" }
  | { readonly type: "send"; readonly to: Audience; readonly ordered: boolean; readonly body: Uint8Array }
  | { readonly type: "send-group"; readonly group: string; readonly body: Uint8Array }
  | { readonly type: "define-group"; readonly group: string; readonly ids: readonly number[] }
  /** A line that is none of these; the connection lives on. */
  | { readonly type: "invalid"; readonly code: "syntax" | "unknown_command"; readonly text: string };

/** Who in the room gets a message: all but the sender, or the sender too. */
export type Audience = "others" | "all";

/** What a server says. See PROTOCOL.md [COLON-3]. */
export type ServerMessage =
  | { readonly type: "logged-in"; readonly id: number; readonly cookie?: string }
  | { readonly type: "rooms"; readonly rooms: readonly RoomCount[] }
  | { readonly type: "joined"; readonly id: number; readonly room: string; readonly username?: string }
  | { readonly type: "left"; readonly id: number }
  | { readonly type: "message"; readonly from: number; readonly body: Uint8Array }
  | { readonly type: "master"; readonly id: number }
  | { readonly type: "error"; readonly code: string; readonly text: string }
  /** A line of a newer server: to be ignored. */
  | { readonly type: "unknown"; readonly line: string };

export interface RoomCount {
  readonly name: string;
  readonly members: number;
}

/** What a client sends by UDP. See PROTOCOL.md [COLON-5]. */
export type ClientDatagram =
  | { readonly type: "bind"; readonly id: number; readonly cookie: string }
  | {
      readonly type: "send";
      readonly id: number | undefined;
      readonly to: Audience;
      readonly body: Uint8Array;
    }
  | {
      readonly type: "send-group";
      readonly id: number | undefined;
      readonly group: string;
      readonly body: Uint8Array;
    };

/** What a server sends by UDP. See PROTOCOL.md [COLON-5]. */
export type ServerDatagram =
  | { readonly type: "bound"; readonly id: number }
  | { readonly type: "message"; readonly from: number; readonly body: Uint8Array };

/** Every error a server can answer, and what it means: the one list that code, documents and tests read. */
export const ERRORS = {
  syntax: "the line does not have the form of its command; where it is not UTF-8, the connection closes",
  not_logged_in: "log in first: 0:username:password",
  already_logged_in: "this connection is logged in already",
  invalid_name: "a name is empty, too long, or holds a character that names may not hold",
  wrong_password: "the password is not the room's, or not the account's",
  not_in_room: "join a room first: 2:room",
  unknown_command: "there is no command of this number",
  too_long: "the line is longer than allowed; the connection closes",
  rate_limited: "too much at once; try again later",
} as const;

export type ErrorCode = keyof typeof ERRORS;
