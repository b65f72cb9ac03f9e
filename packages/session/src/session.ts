import type { Account } from "./accounts.ts";
import type { Member } from "./backplane.ts";
import type { ProtocolCounts } from "./counters.ts";
import type { Deadlines, Phase } from "./deadlines.ts";
import type { HubEvent } from "./events.ts";
import type { Group } from "./groups.ts";
import type { HubRoom } from "./rooms.ts";

/** The protocol's side of a session: what the hub can ask of it. None of its functions may throw. */
export interface Peer {
  /** Something happened that concerns this peer. The connection must not be closed from within. */
  deliver(event: HubEvent): void;
  /** A deadline ran out. */
  expired(phase: Phase): void;
  /** Ends the connection, with `reason` in the protocol's words where it has some. */
  close(reason: string): void;
}

/** One connection of one protocol, as the hub knows it. */
export class Session implements Member {
  // What every delivery looks at lies together, in front.
  readonly id: number;
  /** `closed` sessions stay out of everything; whoever waited for something checks this afterwards. */
  state: "open" | "closed" = "open";
  readonly peer: Peer;
  /** What is counted of all sessions of its protocol. */
  readonly counts: ProtocolCounts;
  readonly protocol: string;
  /** What carries it: `tcp`, `tls`, `websocket`; empty where that was not told. */
  readonly transport: string;
  readonly remoteAddress: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  readonly deadlines: Deadlines;
  /** What it calls itself: not verified unless `account` is set. Empty before it said so. */
  name = "";
  /** The account it proved to be. */
  account: Account | undefined;
  room: HubRoom | undefined;
  /** Its named groups, once it has defined one. */
  groups: Map<string, Group> | undefined;
  /** Messages on their way through the back plane: until they are back, nothing may overtake them. */
  echoes = 0;
  /** The second of the last message, and how many there were in it; kept where they are limited. */
  sentSecond = 0;
  sentCount = 0;

  constructor(options: {
    id: number;
    protocol: string;
    transport?: string;
    remoteAddress: string;
    peer: Peer;
    deadlines: Deadlines;
    counts: ProtocolCounts;
  }) {
    this.id = options.id;
    this.protocol = options.protocol;
    this.transport = options.transport ?? "";
    this.remoteAddress = options.remoteAddress;
    this.peer = options.peer;
    this.deadlines = options.deadlines;
    this.counts = options.counts;
    this.openedAt = Date.now();
  }

  /** The logged-in user's name, `undefined` before the login. */
  get user(): string | undefined {
    return this.account?.name;
  }
}
