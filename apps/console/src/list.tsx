import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, type Page } from "./api.ts";

interface ListProps<Row> {
  title: string;
  /** The address of the list, without its page: `/api/rooms`. */
  path: string;
  query?: Record<string, string>;
  /** What is said where there is no row. */
  empty: string;
  head: ComponentChildren;
  row: (row: Row, changed: () => void) => ComponentChildren;
  tools?: ComponentChildren;
}

const ROWS = 10;
const EVERY_MS = 3_000;

/** A table that the server pages: only the rows that are seen are asked for, and asked for again. */
export function List<Row>({ title, path, query = {}, empty, head, row, tools }: ListProps<Row>) {
  const filter = new URLSearchParams(query).toString();
  // Where each page up to the present one begins.
  const [starts, setStarts] = useState<readonly string[]>([""]);
  const [page, setPage] = useState<Page<Row>>();
  const [asked, setAsked] = useState(0);
  useEffect(() => setStarts([""]), [filter]);
  const start = starts.at(-1) ?? "";
  useEffect(() => {
    let left = false;
    let timer: number | undefined;
    const ask = async (): Promise<void> => {
      const parameters = new URLSearchParams({
        ...query,
        limit: `${ROWS}`,
        ...(start !== "" && { after: start }),
      });
      if (!document.hidden) {
        // What does not answer is told at the top of the page.
        const found = await get<Page<Row>>(`${path}?${parameters}`).catch(() => undefined);
        if (left) return;
        if (found !== undefined) setPage(found);
      }
      timer = setTimeout(ask, EVERY_MS);
    };
    void ask();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [path, filter, start, asked]);

  return (
    <section class="card" aria-label={title}>
      <div class="bar">
        <h2>{title}</h2>
        {tools}
      </div>
      <div class="scroll">
        <table>
          <thead>{head}</thead>
          <tbody>{page?.rows.map((one) => row(one, () => setAsked(asked + 1)))}</tbody>
        </table>
      </div>
      {page?.rows.length === 0 && <p class="empty">{starts.length > 1 ? "Nothing more here." : empty}</p>}
      {(starts.length > 1 || page?.next) && (
        <nav class="pages" aria-label={`Pages of ${title}`}>
          <button type="button" disabled={starts.length === 1} onClick={() => setStarts(starts.slice(0, -1))}>
            Back
          </button>
          <span>Page {starts.length}</span>
          <button
            type="button"
            disabled={!page?.next}
            onClick={() => setStarts([...starts, page?.next ?? ""])}
          >
            Next
          </button>
        </nav>
      )}
    </section>
  );
}
