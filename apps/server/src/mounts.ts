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
import { keptEncryptKeys } from "./json-keys.ts";
import { LoadedModules } from "./modules.ts";

const JSON_KEY_FILE = "wireyard.json-packet.pem";

type Options<Name extends ProtocolName> = Config["protocols"][Name];

/** What serves one protocol: its links and, where it has them, its datagrams. */
export type ProtocolService<Name extends ProtocolName> = StreamService & {
  readonly datagrams?: DatagramService;
  /** Takes over what of its options can change while it serves, and logs what cannot be used. */
  reload?(options: Options<Name>): Promise<void>;
  readonly key?: ProtocolKey;
};

/** What a protocol is encrypted with. */
export interface ProtocolKey {
  /** Where it is kept; nowhere where it does not outlive the process. */
  readonly file?: string;
  /** What clients pin it by. */
  readonly fingerprint: string;
  /** Whether links without it are refused. */
  readonly required: boolean;
}

type Mounts = {
  [Name in ProtocolName]: (
    hub: Hub,
    options: Options<Name>,
    log: Logger,
    /** Where a file of the server's own is kept; `undefined`: nowhere. */
    dataFile: (name: string) => string | undefined,
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
  "json-packet": async (hub, { encryption, keyFile }, _log, dataFile) => {
    if (encryption === "off") return jsonPacket(hub, { encryption });
    const file = keyFile ?? dataFile(JSON_KEY_FILE);
    const required = encryption === "required";
    if (file === undefined) {
      const service = jsonPacket(hub, { encryption });
      if (!required) return service;
      const { fingerprint } = await service.encryptKeys();
      return Object.assign(service, { key: { fingerprint, required } });
    }
    const encryptKeys = await keptEncryptKeys(file);
    const { fingerprint } = encryptKeys;
    return Object.assign(jsonPacket(hub, { encryption, encryptKeys }), {
      key: { file, fingerprint, required },
    });
  },
};
