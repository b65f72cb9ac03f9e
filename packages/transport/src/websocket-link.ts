import type { Socket } from "node:net";
import type { LinkHandlers } from "./link.ts";
import type { Batch } from "./outbox.ts";
import { SocketLink, type SocketLinkOptions } from "./socket-link.ts";
import {
  CLOSE_CODES,
  encodeClose,
  encodeFrames,
  encodePong,
  frameBatch,
  PING_FRAME,
} from "./websocket-frames.ts";
import { FrameReader, type FrameSink } from "./websocket-reader.ts";

export interface WebSocketLinkOptions extends Omit<SocketLinkOptions, "transport" | "open"> {
  /** Which portion of pings it is in. */
  turn: number;
  /** Told when the link is gone. */
  owner: { left(link: WebSocketLink): void };
}

/** A peer that has not been heard of for this many pings is cut at the next. */
const MAX_UNANSWERED = 2;
/** Pongs that wait for the end of a tick. A peer that sends more Pings in one has its latest answered. */
const MAX_PONGS = 64;

/** The server's side of a WebSocket, as a stream of bytes. */
export class WebSocketLink extends SocketLink implements FrameSink {
  private readonly reader = new FrameReader(this);
  /** What came behind the request for the upgrade, until it is read. */
  private head: Uint8Array | undefined;
  /** Control frames that go out before the next bytes. */
  private controls: Uint8Array[] | undefined = undefined;
  private goodbye: Uint8Array | undefined = undefined;
  private unanswered = 0;

  readonly turn: number;
  private readonly owner: WebSocketLinkOptions["owner"];

  constructor(socket: Socket, head: Uint8Array | undefined, options: WebSocketLinkOptions) {
    super(socket, { ...options, transport: "websocket" });
    this.head = head;
    this.turn = options.turn;
    this.owner = options.owner;
  }

  override open(handlers: LinkHandlers): void {
    super.open(handlers);
    const { head } = this;
    this.head = undefined;
    if (head !== undefined && head.length > 0) this.data(head);
  }

  /** From the socket: frames came in. */
  override data(chunk: Uint8Array): void {
    this.unanswered = 0;
    // Behind our own end nothing counts any more, not even the peer's Close.
    if (this.state === "open") this.reader.read(chunk);
  }

  /** Asks the peer for a sign of life, or cuts it where it has not answered for too long. */
  checkLife(): void {
    if (this.state !== "open") return;
    if (this.unanswered++ >= MAX_UNANSWERED) {
      this.cut("error");
      return;
    }
    this.control(PING_FRAME);
  }

  payload(bytes: Uint8Array): void {
    super.data(bytes);
  }

  ping(payload: Uint8Array): void {
    if (this.state !== "open") return;
    // The answer to the most recent one may stand for those before it. [RFC 6455, 5.5.3]
    if (this.controls !== undefined && this.controls.length >= MAX_PONGS) this.controls.pop();
    this.control(encodePong(payload));
  }

  /** The peer sends no more. What it has sent is worked off first: our Close goes out with our end. */
  closing(code: number | undefined): void {
    this.goodbye ??= encodeClose(code);
    this.ended();
  }

  /** The frames are wrong: the link is over for its owner, and says why it goes. */
  broken(code: number, text: string): void {
    const { handlers } = this;
    this.handlers = undefined;
    this.goodbye = encodeClose(code, text);
    this.end();
    handlers?.closed("error");
  }

  override closed(): void {
    super.closed();
    this.owner.left(this);
  }

  protected override join(batch: Batch): Uint8Array {
    batch.framed ??= frameBatch(batch);
    return batch.framed;
  }

  protected override enclose(copies: Uint8Array): Uint8Array {
    return encodeFrames(copies);
  }

  protected override send(bytes: Uint8Array | undefined): void {
    const { controls } = this;
    if (controls === undefined) {
      super.send(bytes);
      return;
    }
    this.controls = undefined;
    if (bytes !== undefined) controls.push(bytes);
    super.send(controls.length === 1 ? controls[0] : Buffer.concat(controls));
  }

  protected override sayGoodbye(): void {
    this.hand(this.goodbye ?? encodeClose(CLOSE_CODES.done));
  }

  private control(frame: Uint8Array): void {
    this.controls ??= [];
    this.controls.push(frame);
    this.schedule();
  }
}
