/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What compilers, verifier and kernels need to be told. Each trick stands here once, with its symptom. */
#ifndef SERIN_COMPAT_H
#define SERIN_COMPAT_H

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* clang derives a bound from earlier code, drops the check, and the verifier, which did not follow, says
 * "R1 unbounded memory access": make it forget the value first. */
#define forget_bounds(x) asm volatile("" : "+r"(x))

/* Loads of a way stay between the two reads of its claim word. The compiler is told here; x86 keeps the order of
 * loads by itself. Where a CPU does not, a stale copy could pass for one packet; its key was still compared. */
#define load_fence() asm volatile("" ::: "memory")

/* true when *word was `expected` and is `desired` now. A full barrier. 32 or 64 bits: BPF has no others. */
#define swap_if(word, expected, desired) (__sync_val_compare_and_swap((word), (expected), (desired)) == (expected))

/* Store that no earlier store of this CPU can pass: an atomic exchange is BPF's only release. */
#define store_release(word, value) ((void)__sync_lock_test_and_set((word), (value)))

/* A function that the verifier checks once, whatever its callers know: "BPF program is too large. Processed 1000001
 * insn" without it. It takes numbers, the context, or memory that it must test for NULL, and returns a number. */
#define verified_once __attribute__((noinline))

#endif
