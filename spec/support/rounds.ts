/** How often a property is tried in this run: some hundred times with all specs, more with the attacks, whose project says so. */
export function propertyRuns(): number {
  const runs: unknown = Reflect.get(globalThis, 'propertyRuns');
  return typeof runs === 'number' ? runs : 300;
}
