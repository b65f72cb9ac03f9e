import { isUtf8 } from "@wireyard/framing";
import type { DatagramHandlers, DatagramLink } from "@wireyard/transport";
import { decodeServerDatagram, encodeClientDatagram } from "./codec.ts";
import type { ClientDatagram, ServerDatagram } from "./messages.ts";

/** Binds that are sent before a client goes on without datagrams. */
const BIND_TRIES = 8;
/** How long the first bind may go without an answer; each further one twice as long as the one before. */
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;
/** What a datagram can hold over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;
const LF = 0x0a;

/** `binding`: no answer yet. `unavailable`: there will be none, or the client is closed. */
export type DatagramState = "binding" | "bound" | "unavailable";

export interface ClientDatagramsOptions {
  /** The session's id. */
  id: number;
  /** The cookie that was told at login. */
  cookie: string | undefined;
  /** Default: 8. */
  tries: number | undefined;
  /** Opens the link to the server's UDP port. */
  open(handlers: DatagramHandlers): Promise<DatagramLink>;
  /** Told once: the server has answered, or it has not and `reason` says why. */
  settled(state: "bound" | "unavailable", reason: string): void;
  message(message: Extract<ServerDatagram, { type: "message" }>): void;
}

/** The datagram side of a client: binds, again and again until it is answered, as datagrams may be lost. [COLON-5.1] */
export class ClientDatagrams implements DatagramHandlers {
  state: DatagramState = "binding";
  readonly #options: ClientDatagramsOptions;
  #link: DatagramLink | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastFailure: unknown;

  constructor(options: ClientDatagramsOptions) {
    this.#options = options;
    options.open(this).then(
      (link) => {
        this.#link = link;
        // Closed in the meantime.
        if (this.state === "unavailable") link.close();
        else this.#bind(0);
      },
      (error: unknown) => this.#giveUp(messageOf(error)),
    );
  }

  /** Sends a message where that is possible now; tells whether it was. */
  send(message: Exclude<ClientDatagram, { type: "bind" }>): boolean {
    if (this.state !== "bound") return false;
    const bytes = encodeClientDatagram(message);
    // A line end is refused by the stream, in words.
    if (bytes.length > MAX_DATAGRAM_BYTES || bytes.includes(LF)) return false;
    this.#link?.send(bytes);
    return true;
  }

  close(): void {
    this.state = "unavailable";
    clearTimeout(this.#timer);
    this.#link?.close();
  }

  datagram(bytes: Uint8Array): void {
    const message = isUtf8(bytes) ? decodeServerDatagram(bytes) : undefined;
    if (this.state === "unavailable" || message === undefined) return;
    if (message.type === "message") this.#options.message(message);
    else if (message.id === this.#options.id && this.state === "binding") {
      this.state = "bound";
      clearTimeout(this.#timer);
      this.#options.settled("bound", "");
    }
  }

  /** A datagram was lost, which datagrams may be: the binds that are still to come find out whether it stays so. */
  failed(error: unknown): void {
    this.#lastFailure = error;
  }

  #bind(tried: number): void {
    const { id, cookie, tries = BIND_TRIES } = this.#options;
    if (tried >= tries) {
      const failure =
        this.#lastFailure === undefined ? "" : `; the last error: ${messageOf(this.#lastFailure)}`;
      this.#giveUp(`no answer to ${tries} binds${failure}`);
      return;
    }
    this.#link?.send(encodeClientDatagram({ type: "bind", id, cookie: cookie ?? "" }));
    this.#timer = setTimeout(() => this.#bind(tried + 1), Math.min(FIRST_WAIT_MS * 2 ** tried, MAX_WAIT_MS));
  }

  #giveUp(reason: string): void {
    if (this.state === "unavailable") return;
    this.close();
    this.#options.settled("unavailable", reason);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
