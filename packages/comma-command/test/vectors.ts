import type { Vector } from "@wireyard/framing/testing";

/**
 * What a server reads. A command is shown by its parts: `{ type: "command", id, name, args }`, and what is none as
 * `{ type: "invalid", id }`; `id` is that of its `req`.
 */
export const CLIENT_VECTORS: readonly Vector[] = [
  {
    name: "a command without arguments",
    text: "\0\0\0\x03\0nop",
    events: [{ type: "command", name: "nop", args: [] }],
    source: "[COMMA-1.1] [COMMA-2.1]",
  },
  {
    name: "a command with arguments",
    hex: "00000010 00 6c6f67696e2c616e6e2c736563726574",
    events: [{ type: "command", name: "login", args: ["ann", "secret"] }],
    source: "[COMMA-1.4]",
  },
  {
    name: "a frame without data: an empty name",
    hex: "00000000 00",
    events: [{ type: "command", name: "", args: [] }],
    source: "[COMMA-1.4]",
  },
  {
    name: "spaces are kept",
    text: "\0\0\0\x0e\0send , bob , x",
    events: [{ type: "command", name: "send ", args: [" bob ", " x"] }],
    source: "[COMMA-1.4]",
  },
  {
    name: "empty arguments",
    text: "\0\0\0\x06\0send,,",
    events: [{ type: "command", name: "send", args: ["", ""] }],
    source: "[COMMA-1.4]",
  },
  {
    name: "an escaped comma and an escaped backslash",
    text: "\0\0\0\x13\0send,bob,a\\,b,c\\\\,d",
    events: [{ type: "command", name: "send", args: ["bob", "a,b", "c\\", "d"] }],
    source: "[COMMA-1.6]",
  },
  {
    name: "a backslash before anything else is dropped",
    text: "\0\0\0\x0b\0\\no\\p,\\n\\\u00e9",
    events: [{ type: "command", name: "nop", args: ["n\u00e9"] }],
    source: "[COMMA-1.6]",
  },
  {
    name: "text of two, three and four bytes, a byte order mark, a NUL and a line end",
    text: "\0\0\0\x17\0send,\u00e9,\u20ac,\ud83d\ude00,\ufeff,\0\n",
    events: [{ type: "command", name: "send", args: ["\u00e9", "\u20ac", "\ud83d\ude00", "\ufeff", "\0\n"] }],
    source: "[COMMA-1.5]",
  },
  {
    name: "a request",
    text: "\0\0\0\x0e\0req,123456,nop",
    events: [{ type: "command", id: "123456", name: "nop", args: [] }],
    source: "[COMMA-2.2]",
  },
  {
    name: "a request with arguments",
    text: "\0\0\0\x17\0req,7,send,bob,text,hi!",
    events: [{ type: "command", id: "7", name: "send", args: ["bob", "text", "hi!"] }],
    source: "[COMMA-2.2]",
  },
  {
    name: "a request whose ID and name are escaped",
    text: "\0\0\0\x12\0r\\eq,a\\,\\b\\\\,\\nop,",
    events: [{ type: "command", id: "a,b\\", name: "nop", args: [""] }],
    source: "[COMMA-2.2]",
  },
  {
    name: "a request with an empty ID",
    text: "\0\0\0\x08\0req,,nop",
    events: [{ type: "command", id: "", name: "nop", args: [] }],
    source: "[COMMA-2.2]",
  },
  {
    name: "a request without a name: an empty one",
    text: "\0\0\0\x06\0req,1,",
    events: [{ type: "command", id: "1", name: "", args: [] }],
    source: "[COMMA-2.2]",
  },
  {
    name: "req without an ID, and without a command",
    text: "\0\0\0\x03\0req\0\0\0\x05\0req,1",
    events: [{ type: "invalid" }, { type: "invalid", id: "1" }],
    source: "[COMMA-2.3]",
  },
  {
    name: "a request within a request, its name escaped too",
    text: "\0\0\0\x0f\0req,1,req,2,nop\0\0\0\x10\0req,1,r\\eq,2,nop",
    events: [
      { type: "invalid", id: "1" },
      { type: "invalid", id: "1" },
    ],
    source: "[COMMA-2.3]",
  },
  {
    name: "req as an argument is an argument",
    text: "\0\0\0\x0c\0send,req,req\0\0\0\x0b\0req,1,a,req",
    events: [
      { type: "command", name: "send", args: ["req", "req"] },
      { type: "command", id: "1", name: "a", args: ["req"] },
    ],
    source: "[COMMA-2.3]",
  },
  {
    name: "REQ is not req",
    text: "\0\0\0\x09\0REQ,1,nop",
    events: [{ type: "command", name: "REQ", args: ["1", "nop"] }],
    source: "[COMMA-2.1]",
  },
  {
    name: "a lone backslash at the end, and a good command behind it",
    text: "\0\0\0\x04\0nop\\\0\0\0\x03\0nop",
    events: [{ type: "invalid" }, { type: "command", name: "nop", args: [] }],
    source: "[COMMA-1.7]",
  },
  {
    name: "three backslashes at the end: one escaped, one lone",
    text: "\0\0\0\x06\0nop\\\\\\",
    events: [{ type: "invalid" }],
    source: "[COMMA-1.7]",
  },
  {
    name: "two backslashes at the end: a backslash",
    text: "\0\0\0\x06\0nop,\\\\",
    events: [{ type: "command", name: "nop", args: ["\\"] }],
    source: "[COMMA-1.7]",
  },
  {
    name: "a lone backslash under a request, in its arguments, as its name, behind its name",
    text: "\0\0\0\x0c\0req,1,send,\\\0\0\0\x07\0req,1,\\\0\0\0\x0b\0req,\\1,nop\\",
    events: [
      { type: "invalid", id: "1" },
      { type: "invalid", id: "1" },
      { type: "invalid", id: "1" },
    ],
    source: "[COMMA-1.7]",
  },
  {
    name: "a lone backslash within the ID: there is no ID to answer to",
    text: "\0\0\0\x07\0req,12\\\0\0\0\x05\0req,\\\0\0\0\x04\0req\\",
    events: [{ type: "invalid" }, { type: "invalid" }, { type: "invalid" }],
    source: "[COMMA-1.7]",
  },
  {
    name: "bytes that are not UTF-8: a lone continuation, an overlong slash, a surrogate, a code point cut off",
    hex: "00000001 00 80  00000006 00 6e6f702c c0af  00000007 00 6e6f702c eda080  0000000c 00 7265712c312c6e6f702c e282",
    events: [{ type: "invalid" }, { type: "invalid" }, { type: "invalid" }, { type: "invalid" }],
    source: "[COMMA-1.5]",
  },
  {
    name: "several commands in one segment",
    text: "\0\0\0\x03\0nop\0\0\0\x06\0whoami\0\0\0\0\0",
    events: [
      { type: "command", name: "nop", args: [] },
      { type: "command", name: "whoami", args: [] },
      { type: "command", name: "", args: [] },
    ],
    source: "[COMMA-1.1]",
  },
  {
    name: "a good command before a fifth byte that is not 00",
    text: "\0\0\0\x03\0nop\0\0\0\x03\x01nop",
    events: [{ type: "command", name: "nop", args: [] }, { error: "bad_separator" }],
    source: "[COMMA-1.2]",
  },
  {
    name: "a length over the limit, by its four bytes alone",
    hex: "00000401",
    events: [{ error: "too_long" }],
    source: "[COMMA-1.3]",
  },
  {
    name: "the greatest length there is",
    hex: "ffffffff 00",
    events: [{ error: "too_long" }],
    source: "[COMMA-1.3]",
  },
  {
    name: "an HTTP request",
    text: "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    events: [{ error: "http" }],
    source: "[COMMA-1.8], any browser",
  },
  {
    name: "an HTTP request by which a page could post commands",
    text: "POST / HTTP/1.1\r\n\r\n\0\0\0\x03\0nop",
    events: [{ error: "http" }],
    source: "[COMMA-1.8], any browser",
  },
  {
    name: "what only begins like HTTP",
    text: "POSTER",
    events: [{ error: "too_long" }],
    source: "[COMMA-1.8]",
  },
];

/** What a client reads. */
export const SERVER_VECTORS: readonly Vector[] = [
  {
    name: "ok",
    text: "\0\0\0\x02\0ok",
    events: [{ type: "reply", values: ["ok"] }],
    source: "[COMMA-3.1]",
  },
  {
    name: "the user",
    text: "\0\0\0\x08\0user,ann",
    events: [{ type: "reply", values: ["user", "ann"] }],
    source: "[COMMA-2.6]",
  },
  {
    name: "forms",
    text: "\0\0\0\x16\0help,nop,login\\,<user>",
    events: [{ type: "reply", values: ["help", "nop", "login,<user>"] }],
    source: "[COMMA-2.11]",
  },
  {
    name: "the empty frame",
    hex: "00000000 00",
    events: [{ type: "reply", values: [] }],
    source: "[COMMA-3.3]",
  },
  {
    name: "a reply to a request, without values and with some",
    text: "\0\0\0\x0a\0req,123456\0\0\0\x11\0req,a\\,b,user,ann",
    events: [
      { type: "reply", id: "123456", values: [] },
      { type: "reply", id: "a,b", values: ["user", "ann"] },
    ],
    source: "[COMMA-3.2] [COMMA-3.3]",
  },
  {
    name: "an error, and one of a request",
    text: "\0\0\0\x1d\0error,nonfatal,syntax,a\\, b\\\\\0\0\0\x19\0req,7,error,fatal,timeout,",
    events: [
      { type: "error", fatal: false, code: "syntax", text: "a, b\\" },
      { type: "error", id: "7", fatal: true, code: "timeout", text: "" },
    ],
    source: "[COMMA-3.4]",
  },
  {
    name: "an error whose info is left out, as it may be, or not escaped, as it should not be",
    text: "\0\0\0\x15\0error,nonfatal,syntax\0\0\0\x1b\0error,nonfatal,syntax,a, b,",
    events: [
      { type: "error", fatal: false, code: "syntax", text: "" },
      { type: "error", fatal: false, code: "syntax", text: "a, b," },
    ],
    source: "[COMMA-3.4]",
  },
  {
    name: "what only looks like an error",
    text: "\0\0\0\x11\0error,nonfatal,\\\\\0\0\0\x0c\0error,what,x\0\0\0\x05\0error",
    events: [
      { type: "error", fatal: false, code: "\\", text: "" },
      { type: "reply", values: ["error", "what", "x"] },
      { type: "reply", values: ["error"] },
    ],
    source: "[COMMA-3.4]",
  },
  {
    name: "another client's command",
    text: "\0\0\0\x19\0send,ann,text,hello\\, bob",
    events: [{ type: "send", from: "ann", fields: ["text", "hello, bob"] }],
    source: "[COMMA-3.5]",
  },
  {
    name: "what is not UTF-8",
    hex: "00000003 00 6f6b80",
    events: [{ error: "syntax" }],
    source: "[COMMA-1.5]",
  },
  {
    name: "a lone backslash at the end",
    text: "\0\0\0\x03\0ok\\",
    events: [{ error: "syntax" }],
    source: "[COMMA-1.7]",
  },
];
