import { type Hub, type HubEvent, RefusedError, UsageError } from "@wireyard/session";
import type { Link, StreamService } from "@wireyard/transport";
import { type ActionHandler, ActionTable } from "./actions.ts";
import { PacketEncoder, packetHead } from "./codec.ts";
import { ACTIONS } from "./messages.ts";
import { type Packet, RawJson } from "./packet.ts";
import {
  type Action,
  type Connection,
  makePacket,
  type PacketContext,
  PacketPeer,
  PROTOCOL,
} from "./peer.ts";
import { messageOf } from "./translate.ts";

export { type ActionHandler, type Connection, type Packet, PROTOCOL, RawJson };

export interface JsonPacketOptions {
  /** What is done with packets, by their action; more can be bound later with `bindAction`. */
  actions?: Readonly<Record<string, ActionHandler<Connection>>>;
}

/** What an option is where it is not given. */
export const JSON_PACKET_DEFAULTS: Readonly<Required<JsonPacketOptions>> = Object.freeze({
  actions: Object.freeze({}),
});

/** A JSON packet server on a hub: serve it with `listenTcp`. */
export interface JsonPacketServer extends StreamService {
  /** Every client that shook hands, by its token, which is secret: not to be listed, logged or told. */
  readonly clients: ReadonlyMap<string, Connection>;
  /**
   * Sets what is done with packets of an action, in place of what was. `PING`, `isAlive` and `disconnect` can be
   * replaced too.
   *
   * @throws {UsageError} where the action is `handShake` or `error`, which are the protocol's own
   */
  bindAction(name: string, handler: ActionHandler<Connection>): void;
  /**
   * Makes a packet of now.
   *
   * @throws {UsageError} where `data` cannot be JSON that a receiver would take
   */
  createPacket(name: string, data?: unknown): Packet;
  /** Sends a packet to every client, encoded once. One that came in goes on with its data byte for byte. */
  broadcast(packet: Packet): void;
}

/**
 * Makes a JSON packet server on a hub.
 *
 * @throws {UsageError} where an action cannot be bound
 */
export function jsonPacket(hub: Hub, options: JsonPacketOptions = {}): JsonPacketServer {
  const token = crypto.randomUUID();
  const encoder = new PacketEncoder(token);
  const actions = builtInActions();
  const clients = new Map<string, PacketPeer>();
  const encodeEvent = (event: HubEvent): Uint8Array => encoder.message(messageOf(event));
  const context: PacketContext = { hub, token, encoder, actions, clients, encodeEvent };
  const server: JsonPacketServer = {
    clients,
    bindAction: (name, handler) => actions.set(name, boundAction(name, handler)),
    createPacket: makePacket,
    broadcast(packet) {
      const bytes = encoder.encode(packet);
      for (const peer of clients.values()) peer.write(bytes);
    },
    accept: (link) => accept(context, link),
    tick: () => hub.tick(),
  };
  const { actions: handlers = JSON_PACKET_DEFAULTS.actions } = options;
  for (const [name, handler] of Object.entries(handlers)) server.bindAction(name, handler);
  return server;
}

/** [JSON-5.1] to [JSON-5.5] What every server does. */
function builtInActions(): ActionTable<Action> {
  const actions = new ActionTable<Action>();
  const pong = packetHead(ACTIONS.pong);
  const alive = packetHead(ACTIONS.isAlive);
  actions.set(ACTIONS.handShake, { open: true, run: (peer, packet) => peer.handShake(packet) });
  // An answer to an error could be an error, and be answered.
  actions.set(ACTIONS.error, { open: true, run() {} });
  actions.set(ACTIONS.ping, { open: false, run: (peer, packet) => peer.echo(pong, packet) });
  // The answer to a `PING` of the operator's.
  actions.set(ACTIONS.pong, { open: false, run() {} });
  actions.set(ACTIONS.isAlive, { open: false, run: (peer, packet) => peer.echo(alive, packet) });
  actions.set(ACTIONS.disconnect, { open: false, run: (peer) => peer.end() });
  return actions;
}

function boundAction(name: string, handler: ActionHandler<Connection>): Action {
  if (name === ACTIONS.handShake || name === ACTIONS.error) {
    throw new UsageError(`the action ${name} is the protocol's own; bind another name`);
  }
  if (typeof handler !== "function")
    throw new UsageError(`what is bound to the action "${name}" is no function`);
  const head = packetHead(name);
  return { open: false, run: (peer, packet) => peer.handle(name, head, handler, packet) };
}

function accept(context: PacketContext, link: Link): void {
  try {
    new PacketPeer(context, link).start();
  } catch (error) {
    // Refused for its number or rate: an error would only cost more.
    if (!(error instanceof RefusedError)) context.hub.report("a JSON packet link could not be served", error);
    link.destroy();
  }
}
