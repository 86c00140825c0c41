/** The text of src/wasm/module.generated.ts, made from assembly/. */
export function generate(): Promise<string>
