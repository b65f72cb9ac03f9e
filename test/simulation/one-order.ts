interface Place {
  /** Position in an order that fits all edges so far. */
  position: number;
  readonly before: Set<Place>;
  readonly after: Set<Place>;
}

/**
 * Whether there is one order that fits what all receivers have seen: a graph with an edge from each message to the next
 * one of the same receiver, kept in a topological order (Pearce and Kelly). It has one as long as there is no circle.
 */
export class OneOrder {
  private readonly places = new Map<string, Place>();

  /** A receiver saw `next` after `previous`. @returns `false` where no one order fits that */
  follows(previous: string | undefined, next: string): boolean {
    const to = this.place(next);
    if (previous === undefined) return true;
    const from = this.place(previous);
    if (from === to) return false;
    from.after.add(to);
    to.before.add(from);
    if (from.position < to.position) return true;
    const later = reach(
      to,
      (place) => place.after,
      (place) => place.position <= from.position,
    );
    if (later.has(from)) return false;
    const earlier = reach(
      from,
      (place) => place.before,
      (place) => place.position >= to.position,
    );
    const byPosition = (a: Place, b: Place): number => a.position - b.position;
    const moved = [...[...earlier].sort(byPosition), ...[...later].sort(byPosition)];
    const positions = moved.map(({ position }) => position).sort((a, b) => a - b);
    for (const [i, place] of moved.entries()) place.position = positions[i] as number;
    return true;
  }

  clear(): void {
    this.places.clear();
  }

  private place(message: string): Place {
    let place = this.places.get(message);
    if (place === undefined) {
      place = { position: this.places.size, before: new Set(), after: new Set() };
      this.places.set(message, place);
    }
    return place;
  }
}

function reach(
  from: Place,
  next: (place: Place) => Set<Place>,
  within: (place: Place) => boolean,
): Set<Place> {
  const found = new Set([from]);
  for (const place of found) for (const other of next(place)) if (within(other)) found.add(other);
  return found;
}
