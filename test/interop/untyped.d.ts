// What these packages offer and do not describe, as far as the tests use it.

declare module "gamedig" {
  export const GameDig: {
    query(options: Record<string, string | number | boolean>): Promise<Record<string, unknown>>;
  };
}

declare module "mcping-js" {
  export class MinecraftServer {
    constructor(host: string, port: number);
    ping(timeoutMs: number, version: number, done: (error: Error | null, status: unknown) => void): void;
  }
}

declare module "minecraft-status" {
  export const MinecraftServerListPing: {
    ping(version: number, host: string, port: number, timeoutMs: number): Promise<unknown>;
    ping16(version: number, host: string, port: number, timeoutMs: number): Promise<unknown>;
    ping15(host: string, port: number, timeoutMs: number): Promise<unknown>;
    ping13(host: string, port: number, timeoutMs: number): Promise<unknown>;
  };
}
