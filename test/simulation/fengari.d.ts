// What the simulation uses of fengari, which describes nothing itself.
declare module "fengari" {
  interface State {
    readonly brand: unique symbol;
  }
  const fengari: {
    to_luastring(text: string): Uint8Array;
    lualib: { luaL_openlibs(state: State): void };
    lauxlib: {
      luaL_newstate(): State;
      luaL_dostring(state: State, source: Uint8Array): number;
      luaL_loadbuffer(state: State, source: Uint8Array, size: null, name: Uint8Array): number;
      luaL_ref(state: State, table: number): number;
    };
    lua: {
      readonly LUA_REGISTRYINDEX: number;
      readonly LUA_TNIL: number;
      readonly LUA_TBOOLEAN: number;
      readonly LUA_TNUMBER: number;
      readonly LUA_TSTRING: number;
      readonly LUA_TTABLE: number;
      lua_newtable(state: State): void;
      lua_pushcfunction(state: State, run: () => number): void;
      lua_pushboolean(state: State, value: boolean): void;
      lua_pushinteger(state: State, value: number): void;
      lua_pushstring(state: State, value: Uint8Array): void;
      lua_setfield(state: State, index: number, name: Uint8Array): void;
      lua_setglobal(state: State, name: Uint8Array): void;
      lua_rawgeti(state: State, index: number, at: number): void;
      lua_rawseti(state: State, index: number, at: number): void;
      lua_pcall(state: State, args: number, results: number, handler: number): number;
      lua_gettop(state: State): number;
      lua_settop(state: State, index: number): void;
      lua_type(state: State, index: number): number;
      lua_tostring(state: State, index: number): Uint8Array;
      lua_tonumber(state: State, index: number): number;
      lua_toboolean(state: State, index: number): boolean;
    };
  };
  export default fengari;
}
