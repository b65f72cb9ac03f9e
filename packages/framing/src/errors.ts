/**
 * The peer broke the wire format. Fatal to its connection: after it, the stream has no known position.
 *
 * `code` is stable and snake_case; `message` names the offending length or value, never a secret.
 */
export class ProtocolError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
  }
}
