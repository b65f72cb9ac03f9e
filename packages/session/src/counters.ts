/** What was counted of one protocol since the hub was made. */
export interface ProtocolCounts {
  /** Sessions that are open now. */
  sessions: number;
  /** Sessions that were opened. */
  opened: number;
  /** Messages that came from clients: whole ones, good or refused. */
  received: number;
  /** Events of the hub that went to clients: what others said and did. Answers to requests are not among them. */
  delivered: number;
  /** Clients that were cut because they did not read. */
  slowReaders: number;
}

/** Why a connection was refused: for the number in all, the number from its address, or the rate from there. */
export type RefusedConnections = Record<"total" | "address" | "rate", number>;

/**
 * What a hub counts, for those who watch it: numbers on objects that are at hand where something happens, so that
 * counting costs next to nothing. They only grow, but for `sessions`.
 */
export class Counters {
  /** By the name of the protocol, in the order of their first sessions. */
  readonly protocols: Map<string, ProtocolCounts> = new Map();
  readonly refused: RefusedConnections = { total: 0, address: 0, rate: 0 };
  /** Logins with a wrong user or password. */
  loginFailures = 0;
  registrations = 0;

  /** The counts of one protocol. */
  of(protocol: string): ProtocolCounts {
    let counts = this.protocols.get(protocol);
    if (counts === undefined) {
      counts = { sessions: 0, opened: 0, received: 0, delivered: 0, slowReaders: 0 };
      this.protocols.set(protocol, counts);
    }
    return counts;
  }
}
