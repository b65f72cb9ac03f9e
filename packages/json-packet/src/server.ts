import {
  type Hub,
  type HubEvent,
  type MaybePromise,
  type NodeSummary,
  RefusedError,
  UsageError,
} from "@wireyard/session";
import type { Link, StreamService } from "@wireyard/transport";
import { type ActionHandler, ActionTable, checkBinding, WILDCARD } from "./actions.ts";
import { type BindOptions, bindHandler, type SchemaOutput, type StandardSchema } from "./binding.ts";
import {
  type Action,
  type Connection,
  type EncryptionMode,
  makePacket,
  type PacketContext,
  PROTOCOL,
} from "./context.ts";
import { PacketEncoder, packetHead } from "./encoder.ts";
import { createEncryptKeys, type EncryptKeys } from "./keys.ts";
import { ACTIONS } from "./messages.ts";
import { type Packet, RawJson } from "./packet.ts";
import { PacketPeer } from "./peer.ts";
import { messageOf } from "./translate.ts";

export {
  type ActionHandler,
  type BindOptions,
  type Connection,
  type EncryptionMode,
  type EncryptKeys,
  type Packet,
  PROTOCOL,
  RawJson,
  type SchemaOutput,
  type StandardSchema,
};

export interface JsonPacketOptions {
  /** What is done with packets, by their action; more can be bound later with `bindAction`. */
  actions?: Readonly<Record<string, ActionHandler<Connection>>>;
  /**
   * `optional`: clients that send a public key are answered encrypted. `required`: others are refused. `off`: public
   * keys are ignored.
   */
  encryption?: EncryptionMode;
  /** The server's RSA keys, so that clients can pin them. `null`: made when they are first needed. */
  encryptKeys?: EncryptKeys | null;
}

/** What an option is where it is not given. */
export const JSON_PACKET_DEFAULTS: Readonly<Required<JsonPacketOptions>> = Object.freeze({
  actions: Object.freeze({}),
  encryption: "optional",
  encryptKeys: null,
});

/** A JSON packet server on a hub: serve it with `listenTcp`. */
export interface JsonPacketServer extends StreamService {
  /** Every client that shook hands, by its token, which is secret: not to be listed, logged or told. */
  readonly clients: ReadonlyMap<string, Connection>;
  /**
   * Sets what is done with packets of an action, in place of what was; `*` is for every action that nobody else is
   * bound to. `PING`, `isAlive` and `disconnect` can be replaced too.
   *
   * @throws {UsageError} where the action is `handShake`, `encrypted` or `error`, which are the protocol's own, or
   *   the schema is none
   */
  bindAction<Schema extends StandardSchema = StandardSchema>(
    name: string,
    handler: ActionHandler<Connection, SchemaOutput<Schema>>,
    options?: BindOptions<Schema>,
  ): void;
  /**
   * Makes a packet of now.
   *
   * @throws {UsageError} where `data` cannot be JSON that a receiver would take
   */
  createPacket(name: string, data?: unknown): Packet;
  /** Every node of the hub with its sessions, of every protocol. */
  nodes(): MaybePromise<NodeSummary[]>;
  /** Sends a packet to every client, encoded once. One that came in goes on with its data byte for byte. */
  broadcast(packet: Packet): void;
  /** The server's RSA keys: their `fingerprint` is what clients pin. */
  encryptKeys(): Promise<EncryptKeys>;
}

/**
 * Makes a JSON packet server on a hub.
 *
 * @throws {UsageError} where an action cannot be bound
 */
export function jsonPacket(hub: Hub, options: JsonPacketOptions = {}): JsonPacketServer {
  const { encryption, encryptKeys: given, actions: handlers } = { ...JSON_PACKET_DEFAULTS, ...options };
  const token = crypto.randomUUID();
  const encoder = new PacketEncoder(token);
  const actions = builtInActions(encryption);
  let keys = given === null ? undefined : Promise.resolve(given);
  const encryptKeys = (): Promise<EncryptKeys> => {
    keys ??= createEncryptKeys();
    return keys;
  };
  const clients = new Map<string, PacketPeer>();
  const encodeEvent = (event: HubEvent): Uint8Array => encoder.message(messageOf(event));
  const context: PacketContext = {
    hub,
    token,
    encoder,
    actions,
    clients,
    encryption,
    encryptKeys,
    encodeEvent,
  };
  const server: JsonPacketServer = {
    clients,
    bindAction(name, handler, options = {}) {
      const before = actions.get(name);
      const unbind = (): void => {
        // Bound anew since then: that holds.
        if (actions.get(name) === action) actions.set(name, before);
      };
      const action = boundAction(name, checkedHandler(name, handler, options, unbind));
      actions.set(name, action);
    },
    createPacket: makePacket,
    broadcast(packet) {
      const bytes = encoder.encode(packet);
      for (const peer of clients.values()) peer.write(bytes);
    },
    accept: (link) => accept(context, link),
    nodes: () => hub.nodes(),
    tick: () => hub.tick(),
    failed: (error) => hub.report("a JSON packet listener reported an error", error),
    encryptKeys,
  };
  for (const [name, handler] of Object.entries(handlers)) server.bindAction(name, handler);
  return server;
}

/** [JSON-5.1] to [JSON-5.5] What every server does. */
function builtInActions(encryption: EncryptionMode): ActionTable<Action> {
  const actions = new ActionTable<Action>();
  const pong = packetHead(ACTIONS.pong);
  const alive = packetHead(ACTIONS.isAlive);
  actions.set(ACTIONS.handShake, { open: true, run: (peer, packet) => peer.handShake(packet) });
  if (encryption !== "off") {
    actions.set(ACTIONS.encrypted, { open: true, run: (peer, packet) => peer.openPacket(packet) });
  }
  // An answer to an error could be an error, and be answered.
  actions.set(ACTIONS.error, { open: true, run() {} });
  actions.set(ACTIONS.ping, { open: false, run: (peer, packet) => peer.echo(pong, packet) });
  // The answer to a `PING` of the operator's.
  actions.set(ACTIONS.pong, { open: false, run: (peer, packet) => peer.pong(packet) });
  actions.set(ACTIONS.isAlive, { open: false, run: (peer, packet) => peer.echo(alive, packet) });
  actions.set(ACTIONS.disconnect, { open: false, run: (peer) => peer.end() });
  return actions;
}

/** @throws {UsageError} */
function checkedHandler<Schema extends StandardSchema>(
  name: string,
  handler: ActionHandler<Connection, SchemaOutput<Schema>>,
  options: BindOptions<Schema>,
  unbind: () => void,
): ActionHandler<Connection> {
  try {
    checkBinding(name, handler, options.schema);
    return bindHandler(name, handler, options, unbind);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

function boundAction(name: string, handler: ActionHandler<Connection>): Action {
  if (name === WILDCARD) {
    // Its answers have the name of the packet.
    const run: Action["run"] = (peer, packet) => {
      const { action } = packet;
      return peer.handle(action, packetHead(action), handler, packet);
    };
    return { open: false, run };
  }
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
