import { ENGINE_OPERATIONS, type EngineOperation } from '../base/events.js'

/** Begins an operation of the engine. The function that is returned publishes its end on `ENGINE_OPERATIONS`, if that channel has subscribers. */
export function beginOperation (operation: EngineOperation['operation']): (outcome: EngineOperation['outcome']) => void {
  const began = performance.now()
  return (outcome) => {
    if (ENGINE_OPERATIONS.hasSubscribers) ENGINE_OPERATIONS.publish({ operation, outcome, durationMs: performance.now() - began })
  }
}
