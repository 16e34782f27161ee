// Jobs and results of `batch`.

import type { CodeImage, CreateQRCodeParams, EnvVersion, QRCodeParams, UnlimitedQRCodeParams } from './codes'

/** One code of a batch: its kind, the parameters of that kind, and a note. */
export type BatchJob =
  | ({
      /** A code of {@link WxaCode.getUnlimitedQRCode}. */
      kind: 'unlimited'
    } & UnlimitedQRCodeParams &
      BatchNote)
  | ({
      /** A code of {@link WxaCode.getQRCode}. */
      kind: 'limited'
    } & QRCodeParams &
      BatchNote)
  | ({
      /** A code of {@link WxaCode.createQRCode}. */
      kind: 'qrcode'
    } & CreateQRCodeParams &
      BatchNote)

/** What {@link codeKey} names: the parameters of a code, with their kind. */
export type CodeKeyParams = BatchJob | (UnlimitedKind & UnlimitedQRCodeParams & BatchNote)

/** The kind that is meant where none is named. */
export interface UnlimitedKind {
  /** A code of {@link WxaCode.getUnlimitedQRCode}. */
  kind?: 'unlimited'
}

/** What a job carries for the caller. */
export interface BatchNote {
  /** Any value. The batch does not read it; the result has it in `job`. */
  meta?: unknown
}

/**
 * A {@link BatchJob} whose `kind` and `envVersion` TypeScript knows only as strings, as in the objects that a generator yields. A
 * wrong value makes that job fail with an {@link InvalidParamsError}.
 */
export type WidenedBatchJob = {
  /** `'unlimited'`, `'limited'` or `'qrcode'`. */
  kind: BatchJob['kind'] | (string & {})
} & BatchNote &
  (Widened<UnlimitedQRCodeParams> | Widened<QRCodeParams> | CreateQRCodeParams)

/** Parameters whose `envVersion` TypeScript knows only as a string. */
export type Widened<
  P extends {
    /** Narrow, as in the parameters of a call. */
    envVersion?: EnvVersion
  },
> = Omit<P, 'envVersion'> & {
  /** `'release'`, `'trial'` or `'develop'`, see {@link EnvVersion}. */
  envVersion?: string
}

/** Options of {@link WxaCode.batch}. */
export interface BatchOptions {
  /**
   * Maximum number of jobs in flight, including finished results that the caller has not consumed yet. A whole number from 1 to
   * 1000.
   *
   * @defaultValue 16
   */
  concurrency?: number
  /** Aborts the batch and its requests. The generator throws `signal.reason`. */
  signal?: AbortSignal
  /**
   * Deadline of each code in milliseconds. More than 0, at most 86400000 (a day). Time spent waiting for the next minute does
   * not count.
   *
   * @defaultValue {@link WxaCodeOptions.timeoutMs} of the client
   */
  timeoutMs?: number
}

/** Outcome of a job: an image or an error. */
export type BatchResult<J extends WidenedBatchJob = BatchJob> =
  | {
      /** The job, as the caller passed it. */
      job: J
      /** Position of the job in the input, from 0. */
      index: number
      /** The picture. */
      image: CodeImage
      /** Absent if the job succeeded. */
      error?: undefined
    }
  | {
      /** The job, as the caller passed it. */
      job: J
      /** Position of the job in the input, from 0. */
      index: number
      /** Why the job failed. */
      error: Error
      /** Absent if the job failed. */
      image?: undefined
    }
