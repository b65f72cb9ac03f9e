import { decodeServerMessage, encodeClientMessage, readLong } from "./codec.ts";
import type { ClientPacket, ServerMessage } from "./messages.ts";
import { type State, transition } from "./state.ts";

/** Most Pings of a client's that may wait for their Pongs. */
const MAX_AWAITED = 1_024;

/** What a client has said and hears, packet by packet: all of a client's connection but its framing. */
export class ClientSide {
  #state: State = "default";
  /** Payloads of Pings that wait for their Pongs, oldest first. */
  readonly #awaited: bigint[] = [];

  /** Where the server is once it has read all that was said. */
  get state(): State {
    return this.#state;
  }

  /**
   * The bytes of what is said next. A Pong to it is told from a Ping of the server's by its payload.
   *
   * @throws {RangeError} where the state does not allow it, or a field cannot hold its value; nothing has changed
   */
  say(message: ClientPacket): Uint8Array {
    const state = transition(this.#state, message.type, nextStateOf(message));
    const packet = encodeClientMessage(message);
    if (message.type === "ping") {
      if (this.#awaited.length === MAX_AWAITED) {
        throw new RangeError(`${MAX_AWAITED} Pings are unanswered; at most that many may be`);
      }
      this.#awaited.push(readLong(message.payload));
    }
    this.#state = state;
    return packet;
  }

  /** Reads a packet of the server's. @throws {ProtocolError} with a code of `ERRORS` */
  read(packet: Uint8Array): ServerMessage {
    return decodeServerMessage(packet, this.#state, (payload) => {
      const at = this.#awaited.indexOf(payload);
      // Answers keep the order of what they answer: an older Ping will get none any more.
      this.#awaited.splice(0, at + 1);
      return at >= 0;
    });
  }
}

export function nextStateOf(message: ClientPacket): number | undefined {
  return message.type === "handshake" ? message.nextState : undefined;
}
