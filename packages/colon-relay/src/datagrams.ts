import { isUtf8 } from "@wireyard/framing";
import {
  addressKey,
  encodeOnce,
  equalBytes,
  type Hub,
  type MessageEvent,
  plainAddress,
  RefusedError,
  WindowCounter,
} from "@wireyard/session";
import type { DatagramService, DatagramSocket } from "@wireyard/transport";
import { decodeClientDatagram, encodeRelayed } from "./codec.ts";
import type { ClientDatagram } from "./messages.ts";
import type { ColonRelayUdpOptions, RelayPeer } from "./server.ts";

/** After this long without a datagram from its address, a session may bind another one. */
const REBIND_SILENCE_MS = 30_000;
/** Failed binds that one address may make in a window; beyond it, its binds are not looked at. */
const FAILED_BINDS = 200;
const FAILED_BINDS_WINDOW_MS = 10_000;

const encoder = new TextEncoder();

/** The datagram side of a relay. The sender of a datagram is known by its bound address and port, by nothing else. */
export interface RelayDatagrams extends DatagramService {
  /** Sends a message to a peer's bound address; tells whether it has one. */
  deliver(peer: RelayPeer, event: MessageEvent): boolean;
  /** The peer has logged in: it may bind. */
  admit(peer: RelayPeer): void;
  /** The peer is gone. */
  remove(peer: RelayPeer): void;
}

interface Binding {
  readonly peer: RelayPeer;
  readonly address: string;
  readonly port: number;
  /** Clock time of the last datagram from there. */
  heard: number;
}

/** Makes the datagram side of a relay on a hub. */
export function relayDatagrams(hub: Hub, options: ColonRelayUdpOptions): RelayDatagrams {
  const byAddress = new Map<string, Binding>();
  const bySession = new Map<number, Binding>();
  const peers = new Map<number, RelayPeer>();
  const failures = new WindowCounter({ windowMs: FAILED_BINDS_WINDOW_MS });
  let socket: DatagramSocket | undefined;

  /** [COLON-5.2] [COLON-5.3] A bind that fails gets no byte back. */
  function bind(id: number, cookie: string, address: string, port: number): void {
    const peer = bindable(id, cookie, address, port);
    if (peer === undefined) return;
    const old = bySession.get(id);
    if (old !== undefined) byAddress.delete(keyOf(old.address, old.port));
    const key = keyOf(address, port);
    const other = byAddress.get(key);
    if (other !== undefined) bySession.delete(other.peer.session.id);
    const binding: Binding = { peer, address, port, heard: hub.wheel.now };
    byAddress.set(key, binding);
    bySession.set(id, binding);
    socket?.send(encoder.encode(`0:${id}:connected`), address, port);
  }

  function bindable(id: number, cookie: string, address: string, port: number): RelayPeer | undefined {
    const bound = bySession.get(id);
    const same = bound?.address === address && bound.port === port;
    // A repeat guesses nothing; with a cookie it is to show it again.
    if (same && !options.requireCookie) return bound.peer;
    // Counted before it is looked at, and given back where it was good.
    const counted = addressKey(address);
    if (!failures.take(counted, FAILED_BINDS, hub.wheel.now)) return undefined;
    const peer = peers.get(id);
    if (peer === undefined || plainAddress(peer.session.remoteAddress) !== plainAddress(address))
      return undefined;
    const cookieGiven =
      peer.cookie !== undefined && equalBytes(encoder.encode(cookie), encoder.encode(peer.cookie.reveal()));
    if (options.requireCookie && !cookieGiven) return undefined;
    if (bound !== undefined && !same && hub.wheel.now - bound.heard < REBIND_SILENCE_MS) return undefined;
    failures.giveBack(counted);
    return peer;
  }

  function act(message: ClientDatagram, address: string, port: number): void {
    if (message.type === "bind") {
      bind(message.id, message.cookie, address, port);
      return;
    }
    const binding = byAddress.get(keyOf(address, port));
    if (binding === undefined) return;
    const { session } = binding.peer;
    if (message.id !== undefined && message.id !== session.id) return;
    binding.heard = hub.wheel.now;
    session.counts.received++;
    if (message.type === "send-group") {
      hub.postToGroup(session, message.group, message.body, "datagram");
    } else if (session.room !== undefined) {
      hub.post(session, message.body, {
        toSender: message.to === "all",
        ordered: false,
        channel: "datagram",
      });
    }
  }

  return {
    bound(bound) {
      socket = bound;
    },
    datagram(bytes, address, port) {
      if (!isUtf8(bytes)) return;
      const message = decodeClientDatagram(bytes);
      if (message === undefined) return;
      try {
        act(message, address, port);
      } catch (error) {
        // Refused for its rate: datagrams may be lost.
        if (!(error instanceof RefusedError)) throw error;
      }
    },
    tick: () => hub.tick(),
    failed: (error) => hub.report("the colon relay's UDP socket reported an error", error),
    deliver(peer, event) {
      const binding = bySession.get(peer.session.id);
      if (binding === undefined) return false;
      socket?.send(encodeOnce(event, encodeDatagram), binding.address, binding.port);
      return true;
    },
    admit(peer) {
      peers.set(peer.session.id, peer);
    },
    remove(peer) {
      const { id } = peer.session;
      peers.delete(id);
      const binding = bySession.get(id);
      if (binding === undefined) return;
      bySession.delete(id);
      byAddress.delete(keyOf(binding.address, binding.port));
    },
  };
}

function encodeDatagram(event: MessageEvent): Uint8Array {
  return encodeRelayed(event.from.id, event.body, false);
}

function keyOf(address: string, port: number): string {
  return `${address} ${port}`;
}
