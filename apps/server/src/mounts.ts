import { colonRelay } from "@wireyard/colon-relay/server";
import { commaCommand } from "@wireyard/comma-command/server";
import { jsonPacket } from "@wireyard/json-packet/server";
import { type Hub, UsageError } from "@wireyard/session";
import type { DatagramService, StreamService } from "@wireyard/transport";
import { varintState } from "@wireyard/varint-state/server";
import type { Logger } from "pino";
import type { Config, ProtocolName } from "./config/schema.ts";
import { Failure } from "./errors.ts";
import { readFavicon } from "./favicon.ts";
import { LoadedModules } from "./modules.ts";

type Options<Name extends ProtocolName> = Config["protocols"][Name];

/** What serves one protocol: its links and, where it has them, its datagrams. */
export type ProtocolService<Name extends ProtocolName> = StreamService & {
  readonly datagrams?: DatagramService;
  /** Takes over what of its options can change while it serves, and logs what cannot be used. */
  reload?(options: Options<Name>): Promise<void>;
};

type Mounts = {
  [Name in ProtocolName]: (
    hub: Hub,
    options: Options<Name>,
    log: Logger,
  ) => ProtocolService<Name> | Promise<ProtocolService<Name>>;
};

/** Every protocol that is served, in the order of the ready line. */
export const MOUNTS: Mounts = {
  "colon-relay": colonRelay,
  "comma-command": async (hub, { modules }, log) => {
    const service = commaCommand(hub);
    const loaded = new LoadedModules(service, log);
    await loaded.start(modules);
    return Object.assign(service, {
      reload: (next: Options<"comma-command">) => loaded.reload(next.modules),
    });
  },
  "varint-state": (hub, { favicon, ...options }) => {
    const icon = favicon === null ? null : readFavicon(favicon);
    try {
      return varintState(hub, { ...options, favicon: icon });
    } catch (error) {
      // Each value is good, but not all of them together.
      if (!(error instanceof UsageError)) throw error;
      throw new Failure(`protocols.varint-state: ${error.message}`, { cause: error });
    }
  },
  "json-packet": (hub, { encryption }) => jsonPacket(hub, { encryption }),
};
