import fengari from "fengari";
import type { Answer } from "./redis-model.ts";

const { lua, lauxlib, lualib, to_luastring: lower } = fengari;
type LuaState = ReturnType<typeof lauxlib.luaL_newstate>;

/** Runs Redis scripts as they are, in a Lua of JavaScript. Strings hold bytes, one a character. */
export class LuaScripts {
  private readonly state: LuaState = lauxlib.luaL_newstate();
  private readonly references = new Map<string, number>();
  private call: (args: string[]) => Answer = () => null;

  constructor(scripts: Readonly<Record<string, string>>) {
    const { state } = this;
    lualib.luaL_openlibs(state);
    lua.lua_newtable(state);
    lua.lua_pushcfunction(state, () => this.redisCall());
    lua.lua_setfield(state, -2, lower("call"));
    lua.lua_setglobal(state, lower("redis"));
    // Redis has Lua 5.1.
    this.check(lauxlib.luaL_dostring(state, lower("unpack = table.unpack")));
    for (const [name, source] of Object.entries(scripts)) {
      this.check(lauxlib.luaL_loadbuffer(state, lower(source), null, lower(`@${name}`)));
      this.references.set(name, lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX));
    }
  }

  /** @param call what `redis.call` does */
  run(name: string, key: string, args: readonly Uint8Array[], call: (args: string[]) => Answer): Answer {
    const { state } = this;
    this.call = call;
    this.setGlobal("KEYS", [lower(key)]);
    this.setGlobal("ARGV", args);
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.references.get(name) as number);
    this.check(lua.lua_pcall(state, 0, 1, 0));
    const answer = this.read(-1);
    lua.lua_settop(state, 0);
    return answer;
  }

  private redisCall(): number {
    const { state } = this;
    const args: string[] = [];
    for (let i = 1; i <= lua.lua_gettop(state); i++) args.push(latin1(lua.lua_tostring(state, i)));
    this.push(this.call(args));
    return 1;
  }

  /** As Redis turns replies into Lua: nothing is `false`. */
  private push(answer: Answer): void {
    const { state } = this;
    if (answer === null) lua.lua_pushboolean(state, false);
    else if (typeof answer === "number") lua.lua_pushinteger(state, answer);
    else if (typeof answer === "string") lua.lua_pushstring(state, bytes(answer));
    else {
      lua.lua_newtable(state);
      for (const [i, one] of answer.entries()) {
        this.push(one);
        lua.lua_rawseti(state, -2, i + 1);
      }
    }
  }

  /** As Redis turns Lua into replies: a table ends at its first nothing. */
  private read(index: number): Answer {
    const { state } = this;
    switch (lua.lua_type(state, index)) {
      case lua.LUA_TNUMBER:
        return Math.trunc(lua.lua_tonumber(state, index));
      case lua.LUA_TSTRING:
        return latin1(lua.lua_tostring(state, index));
      case lua.LUA_TBOOLEAN:
        return lua.lua_toboolean(state, index) ? 1 : null;
      case lua.LUA_TTABLE: {
        const list: Answer[] = [];
        for (let i = 1; ; i++) {
          lua.lua_rawgeti(state, index, i);
          const isEnd = lua.lua_type(state, -1) === lua.LUA_TNIL;
          if (!isEnd) list.push(this.read(-1));
          lua.lua_settop(state, -2);
          if (isEnd) return list;
        }
      }
      default:
        return null;
    }
  }

  private setGlobal(name: string, list: readonly Uint8Array[]): void {
    const { state } = this;
    lua.lua_newtable(state);
    for (const [i, value] of list.entries()) {
      lua.lua_pushstring(state, value);
      lua.lua_rawseti(state, -2, i + 1);
    }
    lua.lua_setglobal(state, lower(name));
  }

  private check(status: number): void {
    if (status !== 0) throw new Error(`a script failed: ${latin1(lua.lua_tostring(this.state, -1))}`);
  }
}

function latin1(array: Uint8Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.length).toString("latin1");
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}
