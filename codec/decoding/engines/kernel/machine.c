/* What this build and this processor have in common, and memory. */
#include <stdlib.h>

#include "internal.h"

#if defined(__x86_64__) || defined(_M_X64)
#define X86 1
#include <cpuid.h>
#elif defined(__aarch64__) || defined(_M_ARM64)
#define ARM64 1
#elif defined(__wasm_simd128__)
#define WASM 1
#endif

int32_t nnc_abi(void) { return NNC_ABI; }

void *nnc_take(size_t bytes) {
  /* Not aligned_alloc, which not every C library has. */
  if (bytes > SIZE_MAX - 64 - sizeof(void *)) return NULL;
  char *raw = malloc(bytes + 64 + sizeof(void *));
  if (!raw) return NULL;
  char *aligned = (char *)(((uintptr_t)raw + sizeof(void *) + 63) & ~(uintptr_t)63);
  memcpy(aligned - sizeof(void *), &raw, sizeof(void *));
  return aligned;
}

void nnc_give(void *memory) {
  if (!memory) return;
  void *raw;
  memcpy(&raw, (char *)memory - sizeof(void *), sizeof(void *));
  free(raw);
}

#if X86
/* Bits of CPUID leaf 7 and of the state that the system keeps (Intel SDM, volume 1, chapters 13 to
 * 15). Asked directly: not every runtime library has __builtin_cpu_supports. */
#define EBX_AVX2 (1u << 5)
#define EBX_AVX512 (1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) /* F, DQ, BW, VL */
#define ECX_VNNI (1u << 11)
#define ECX_OSXSAVE (1u << 27)
#define STATE_AVX 0x06u
#define STATE_AVX512 0xE6u

static int32_t supports(uint32_t ebx, uint32_t ecx, uint32_t state) {
  uint32_t a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & ECX_OSXSAVE)) return 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & state) != state) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return (b & ebx) == ebx && (c & ecx) == ecx;
}
#endif

const Level *nnc_level_of(int32_t level) {
  switch (level) {
    case NNC_PORTABLE: return &nnc_level_portable;
#if X86
    case NNC_SSE2: return &nnc_level_sse2;
    case NNC_AVX2: return supports(EBX_AVX2, 0, STATE_AVX) ? &nnc_level_avx2 : NULL;
    case NNC_AVX512:
      return supports(EBX_AVX2 | EBX_AVX512, ECX_VNNI, STATE_AVX512) ? &nnc_level_avx512 : NULL;
#elif ARM64
    case NNC_NEON: return &nnc_level_neon;
#elif WASM
    case NNC_SIMD128: return &nnc_level_simd128;
#endif
    default: return NULL;
  }
}

int32_t nnc_runs(int32_t level) { return nnc_level_of(level) != NULL; }
