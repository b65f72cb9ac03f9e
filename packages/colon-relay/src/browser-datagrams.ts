import type { ClientDatagramsOptions, ClientDatagrams as Datagrams } from "./client-datagrams.ts";

/** What bundlers for browsers take in place of client-datagrams.ts: browsers have no UDP. */
export class ClientDatagrams implements Pick<Datagrams, "state" | "send" | "close"> {
  readonly state = "unavailable";

  constructor({ settled }: ClientDatagramsOptions) {
    settled("unavailable", "browsers have no UDP");
  }

  send(): boolean {
    return false;
  }

  close(): void {}
}
