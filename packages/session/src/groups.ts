import { RefusedError } from "./errors.ts";
import { nodeOfId } from "./ids.ts";
import { MAX_GROUP_MEMBERS_ELSEWHERE, MAX_GROUPS } from "./limits.ts";
import type { Session } from "./session.ts";

/** Members of a group: sessions of this node, and ids of sessions of others. */
export interface Group {
  members: readonly Session[];
  readonly elsewhere: readonly number[];
}

/**
 * The group of those ids, without the ones that are unknown here: of others, their nodes know.
 *
 * @param ownNode `undefined` where there are no others
 */
export function groupOf(
  ids: Iterable<number>,
  sessions: ReadonlyMap<number, Session>,
  ownNode: number | undefined,
): Group {
  const members = new Set<Session>();
  const elsewhere = new Set<number>();
  for (const id of ids) {
    const member = sessions.get(id);
    if (member !== undefined) members.add(member);
    else if (ownNode !== undefined && isOfAnother(id, ownNode)) elsewhere.add(id);
  }
  return { members: [...members], elsewhere: [...elsewhere] };
}

function isOfAnother(id: number, ownNode: number): boolean {
  const node = nodeOfId(id);
  return node !== 0 && node !== ownNode;
}

/**
 * Gives a session a group, in place of the one of that name; an empty one removes it.
 *
 * @throws {RefusedError} `too_many_groups`
 */
export function setGroup(session: Session, name: string, group: Group): void {
  if (group.members.length === 0 && group.elsewhere.length === 0) {
    session.groups?.delete(name);
    return;
  }
  session.groups ??= new Map();
  if (session.groups.size >= MAX_GROUPS && !session.groups.has(name)) {
    throw new RefusedError("too_many_groups", `a session has at most ${MAX_GROUPS} groups`);
  }
  let others = group.elsewhere.length;
  for (const [each, { elsewhere }] of session.groups) if (each !== name) others += elsewhere.length;
  if (others > MAX_GROUP_MEMBERS_ELSEWHERE) {
    throw new RefusedError(
      "too_many_groups",
      `the groups of a session have at most ${MAX_GROUP_MEMBERS_ELSEWHERE} members on other nodes`,
    );
  }
  session.groups.set(name, group);
}
