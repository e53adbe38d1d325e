/** What a slow disk is like, beside the others. */
import { create } from "@bufbuild/protobuf";
import { DiskSchema, type Disk } from "../pb/sessionpb/v1/fault_pb";
import type { Config } from "../pb/sessionpb/v1/run_pb";

/** Its syncs take so long, or 50 times the usual; its writes are slower in proportion. */
export function slowDisk(config: Config | null, fsyncMicros = 0): Disk {
  const usual = config?.disk;
  const usualFsync = Number(usual?.fsyncMicros ?? 0n) || 4000;
  const fsync = fsyncMicros || usualFsync * 50;
  const write = Math.round((Number(usual?.writeMicros ?? 0n) || 1000) * Math.max(1, fsync / usualFsync / 5));
  return create(DiskSchema, { writeMicros: BigInt(write), fsyncMicros: BigInt(fsync), jitterMicros: usual?.jitterMicros ?? 0n });
}
