import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where pages come from. */
export interface PageSource {
  /** Where the published package has them, built; `undefined` where it has none. */
  readonly built?: string;
  /** What builds them in a clone: a script that prints a JSON object, path -> content in base64. */
  readonly build: string;
}

export const CONSOLE: PageSource = {
  built: fileURLToPath(new URL("./console/", import.meta.url)),
  build: fileURLToPath(new URL("../../../console/build.ts", import.meta.url)),
};
const BUILD_MS = 60_000;
const MAX_BYTES = 16_777_216;

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface PageFile {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/**
 * The files of pages, such as the console's. Where they are not built, as in a clone, the first request has them built by a process of its
 * own and waits for it, about a second: see docs/decisions/008-console-from-source.md.
 */
export class Pages {
  private readonly source: PageSource;
  private files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  private readonly leaving = new AbortController();

  constructor(source: PageSource) {
    this.source = source;
  }

  /**
   * A file by its path, such as `index.html`.
   *
   * @throws {Error} where they cannot be built; the next request tries again
   */
  async find(path: string): Promise<PageFile | undefined> {
    if (this.files === undefined) {
      const { built, build } = this.source;
      this.files = readBuilt(built).then((files) => files ?? runBuild(build, this.leaving.signal));
      this.files.catch(() => {
        this.files = undefined;
      });
    }
    return (await this.files).get(path);
  }

  /** Ends a build that nobody will see. */
  close(): void {
    this.leaving.abort();
  }
}

async function readBuilt(folder?: string): Promise<ReadonlyMap<string, PageFile> | undefined> {
  if (folder === undefined) return undefined;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return undefined;
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, PageFile]> => {
        const name = path.slice(folder.length).replaceAll("\\", "/");
        return [name, fileOf(name, await readFile(path))];
      }),
    ),
  );
}

async function runBuild(script: string, signal: AbortSignal): Promise<ReadonlyMap<string, PageFile>> {
  const options = { maxBuffer: MAX_BYTES, timeout: BUILD_MS, signal };
  const { stdout } = await promisify(execFile)(process.execPath, [script], options);
  const files = Object.entries(JSON.parse(stdout) as Record<string, string>);
  return new Map(files.map(([name, content]) => [name, fileOf(name, Buffer.from(content, "base64"))]));
}

function fileOf(name: string, content: Uint8Array): PageFile {
  return { content: new Uint8Array(content), type: TYPES[extname(name)] ?? "application/octet-stream" };
}
