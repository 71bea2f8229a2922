export { type CompiledSelect, compileCount, compileSelect } from './select.js'
