import { encodeText } from "@wireyard/framing";
import type { StandardSchema } from "./binding.ts";
import { ACTIONS } from "./messages.ts";
import type { Packet } from "./packet.ts";
import type { PacketView } from "./packet-view.ts";

/**
 * What is to be done with packets of one name. It gets the packet's data, who sent it, and the packet itself.
 *
 * What it returns, or a promise it returns comes to, is sent back as a packet of the same name: `undefined` as
 * nothing, the packet itself as its data byte for byte, a `RawJson` as it is, all else as JSON.
 */
export type ActionHandler<Connection, Data = unknown> = (
  data: Data,
  connection: Connection,
  packet: Packet,
) => unknown;

/** The name that is bound for every action that nobody else is bound to. */
export const WILDCARD = "*";

/** What nobody binds. */
const OWN_ACTIONS: readonly string[] = [ACTIONS.handShake, ACTIONS.encrypted, ACTIONS.error];

/** @throws {TypeError} where the action is the protocol's own, the handler no function, or the schema not such a one */
export function checkBinding(name: string, handler: unknown, schema: StandardSchema | undefined): void {
  if (OWN_ACTIONS.includes(name)) {
    throw new TypeError(`the action ${name} is the protocol's own; bind another name`);
  }
  if (typeof handler !== "function") {
    throw new TypeError(`the handler of the action "${name}" is no function`);
  }
  if (schema !== undefined && schema["~standard"]?.version !== 1) {
    throw new TypeError(`the schema of the action "${name}" is no Standard Schema of version 1`);
  }
}

interface Entry<Action> {
  /** The name in quotes, as nearly everybody writes it. */
  readonly json: Uint8Array;
  action: Action | undefined;
}

/** Actions by name. Finding one takes no string where the name is spelled as `JSON.stringify` spells it. */
export class ActionTable<Action> {
  private readonly byName = new Map<string, Entry<Action>>();
  /** By the length of their names in quotes. */
  private readonly byLength: Entry<Action>[][] = [];

  /** What is done with packets of any other name. */
  get wildcard(): Action | undefined {
    return this.get(WILDCARD);
  }

  get(name: string): Action | undefined {
    return this.byName.get(name)?.action;
  }

  /** Sets what is done with packets called `name`, in place of what was; `undefined` for nothing. */
  set(name: string, action: Action | undefined): void {
    const found = this.byName.get(name);
    if (found !== undefined) {
      found.action = action;
      return;
    }
    const entry = { json: encodeText(JSON.stringify(name)), action };
    this.byName.set(name, entry);
    const { length } = entry.json;
    while (this.byLength.length <= length) this.byLength.push([]);
    this.byLength[length]?.push(entry);
  }

  find(packet: PacketView): Action | undefined {
    const entries = this.byLength[packet.actionLength];
    if (entries !== undefined) {
      for (const entry of entries) {
        if (packet.isAction(entry.json)) return entry.action;
      }
    }
    // Unknown, or spelled with escapes.
    return this.byName.get(packet.action)?.action;
  }
}
