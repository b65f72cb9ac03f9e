/** What went wrong between this node and the engine, since its start. */
export interface BackplaneCounters {
  /** Times that the engine was away. */
  outages: number;
  /** Messages for other nodes that were not sent: the engine was away, or too much was on its way to it. */
  unsent: number;
  /** Ordered messages that may not have reached everybody; their senders were told. */
  inDoubt: number;
  /** Times that events of a room were missing, and its members were read again. */
  gaps: number;
  /** Events of rooms, messages among them, that those gaps held. */
  missed: number;
  /** Times that this node's lease had run out: the others had taken its members out. */
  leasesLost: number;
  /** Dead nodes whose members this node took out, wholly or in part. */
  nodesSwept: number;
}

export function noCounts(): BackplaneCounters {
  return { outages: 0, unsent: 0, inDoubt: 0, gaps: 0, missed: 0, leasesLost: 0, nodesSwept: 0 };
}
