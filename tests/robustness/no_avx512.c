/* Another processor: AVX-512 and AMX are hidden from whatever asks which instructions there are.

   XLA has a flag for the code that it compiles, --xla_cpu_max_isa=AVX2, but the libraries in it and in
   NumPy ask the processor themselves. Linux can make that question (the instruction CPUID) a fault
   where the processor allows it (cpuid_fault in /proc/cpuinfo); here the fault is answered.

   cc -shared -fPIC -o /tmp/no_avx512.so tests/robustness/no_avx512.c
   LD_PRELOAD=/tmp/no_avx512.so .venv/bin/python -m pytest */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static const int set_cpuid = 0x1012; /* arch_prctl(2): ARCH_SET_CPUID */
static int (*set_action)(int, const struct sigaction *, struct sigaction *);

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (memcmp((void *)registers[REG_RIP], "\x0f\xa2", 2) != 0) { /* a true segmentation fault */
        struct sigaction ends = {.sa_handler = SIG_DFL};
        set_action(SIGSEGV, &ends, NULL);
        return;
    }
    unsigned leaf = registers[REG_RAX], part = registers[REG_RCX], a, b, c, d;
    syscall(SYS_arch_prctl, set_cpuid, 1);
    __cpuid_count(leaf, part, a, b, c, d);
    syscall(SYS_arch_prctl, set_cpuid, 0);
    if (leaf == 7 && part == 0) {
        b &= ~0xdc230000u; /* AVX-512 F DQ IFMA PF ER CD BW VL */
        c &= ~0x00005842u; /* AVX-512 VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
        d &= ~0x03c0010cu; /* AVX-512 4VNNIW 4FMAPS VP2INTERSECT FP16, AMX */
    } else if (leaf == 7 && part == 1) {
        a &= ~0x00a00030u; /* AVX-VNNI, AVX-512 BF16, AMX FP16, AVX-IFMA */
        d = 0;
    } else if (leaf == 13 && part == 0) {
        a &= 7; /* of the registers that are saved: x87, SSE, AVX */
    }
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

/* Python's faulthandler, which pytest turns on, must not take the signal. */
int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    if (!set_action) set_action = dlsym(RTLD_NEXT, "sigaction");
    return set_action(number, number == SIGSEGV ? NULL : action, before);
}

__attribute__((constructor)) static void start(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    set_action = dlsym(RTLD_NEXT, "sigaction");
    set_action(SIGSEGV, &action, NULL);
    if (syscall(SYS_arch_prctl, set_cpuid, 0) != 0) {
        perror("no_avx512: this processor or kernel does not fault CPUID");
        exit(1);
    }
}
