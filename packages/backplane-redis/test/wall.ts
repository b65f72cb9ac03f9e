import net from "node:net";

/** What can be put between a node and its engine, and lets nothing through while it is up: nobody is told. */
export class Wall {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private isUp = false;

  private constructor(enginePort: number) {
    this.server = net.createServer({ pauseOnConnect: true }, (near) => {
      const far = net.connect(enginePort, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from);
        from.on("data", (data) => to.write(data));
        from.on("end", () => to.end());
        from.on("error", () => to.destroy());
        from.on("close", () => this.sockets.delete(from));
        if (this.isUp) from.pause();
        else from.resume();
      }
    });
  }

  static async before(enginePort: number): Promise<Wall> {
    const wall = new Wall(enginePort);
    await new Promise<void>((resolve) => wall.server.listen(0, "127.0.0.1", resolve));
    return wall;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
  }

  up(): void {
    this.isUp = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** What was said meanwhile comes through now, late. */
  down(): void {
    this.isUp = false;
    for (const socket of this.sockets) socket.resume();
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
