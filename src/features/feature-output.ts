/** Where the engine writes: a value, NaN where absent, and a status for each feature. */
export interface FeatureOutput {
  readonly values: Float64Array;
  readonly status: Uint8Array;
}
