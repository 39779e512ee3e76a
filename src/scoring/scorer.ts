/** Which model gave a score. */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the model's file, hex. */
  readonly sha256: string;
}

/** A model that scores feature vectors. */
export interface Scorer {
  readonly model: ModelIdentity;
  /**
   * The probability of fraud for one vector of the feature set, NaN where a value is absent. The
   * vector is copied before the call returns: the caller may use it again at once.
   *
   * @throws AppError `overloaded` where too many wait, `internal` where the model fails or gives no number.
   */
  score(vector: Float32Array): Promise<number>;
  close(): Promise<void>;
}
