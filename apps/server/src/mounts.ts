import { colonRelay } from "@wireyard/colon-relay/server";
import { commaCommand } from "@wireyard/comma-command/server";
import { jsonPacket } from "@wireyard/json-packet/server";
import type { Hub } from "@wireyard/session";
import type { DatagramService, StreamService } from "@wireyard/transport";
import { varintState } from "@wireyard/varint-state/server";
import type { Config, ProtocolName } from "./config/schema.ts";

/** What serves one protocol: its links and, where it has them, its datagrams. */
export type ProtocolService = StreamService & { readonly datagrams?: DatagramService };

type Mounts = { [Name in ProtocolName]: (hub: Hub, options: Config["protocols"][Name]) => ProtocolService };

/** Every protocol that is served, in the order of the ready line. */
export const MOUNTS: Mounts = {
  "colon-relay": colonRelay,
  "comma-command": (hub) => commaCommand(hub),
  "varint-state": varintState,
  "json-packet": (hub) => jsonPacket(hub),
};
