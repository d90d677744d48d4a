/* test_weaver_vectors.c: which bytes the result of a vector instruction depends on, as weaver/vector_bytes.c says and as the CPU does.
 *
 *   instruction --vector_bytes_follow, one source at a time--> bytes that each byte of the result may depend on
 *               \--run, with one byte of that source changed--> bytes that do      each of them is among those
 *
 * What only moves bytes about depends on no more than it does.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weaver/elf_private.h"
#include "weaver/vector_bytes.h"

/* ---- instructions -------------------------------------------------------------------------------------------------- */

/* On XMM0 to XMM2, or as many YMM or ZMM, what RDI points to and is read, what RSI points to and is written, and EAX.  `moves`: it moves bytes. */
#define LEGACY_SUBJECTS(X)                                                                                             \
    X(1, "movaps %xmm1, %xmm0")                                                                                        \
    X(1, "movdqu (%rdi), %xmm0")                                                                                       \
    X(1, "movups %xmm0, (%rsi)")                                                                                       \
    X(1, "movd (%rdi), %xmm0")                                                                                         \
    X(1, "movd %xmm0, %eax")                                                                                           \
    X(1, "movd %xmm0, (%rsi)")                                                                                         \
    X(1, "movq (%rdi), %xmm0")                                                                                         \
    X(1, "movq %xmm1, %xmm0")                                                                                          \
    X(1, "movq %xmm1, %rax")                                                                                           \
    X(1, "movq %xmm1, (%rsi)")                                                                                         \
    X(1, "movss (%rdi), %xmm0")                                                                                        \
    X(1, "movss %xmm1, %xmm0")                                                                                         \
    X(1, "movss %xmm1, (%rsi)")                                                                                        \
    X(1, "movsd (%rdi), %xmm0")                                                                                        \
    X(1, "movsd %xmm1, %xmm0")                                                                                         \
    X(1, "movsd %xmm1, (%rsi)")                                                                                        \
    X(1, "movlps (%rdi), %xmm0")                                                                                       \
    X(1, "movlps %xmm0, (%rsi)")                                                                                       \
    X(1, "movhps (%rdi), %xmm0")                                                                                       \
    X(1, "movhpd %xmm0, (%rsi)")                                                                                       \
    X(1, "movhlps %xmm1, %xmm0")                                                                                       \
    X(1, "movlhps %xmm1, %xmm0")                                                                                       \
    X(1, "punpcklbw %xmm1, %xmm0")                                                                                     \
    X(1, "punpckhbw %xmm1, %xmm0")                                                                                     \
    X(1, "punpcklwd %xmm1, %xmm0")                                                                                     \
    X(1, "punpckhwd %xmm1, %xmm0")                                                                                     \
    X(1, "punpckldq %xmm1, %xmm0")                                                                                     \
    X(1, "punpckhdq %xmm1, %xmm0")                                                                                     \
    X(1, "punpcklqdq %xmm1, %xmm0")                                                                                    \
    X(1, "punpckhqdq %xmm1, %xmm0")                                                                                    \
    X(1, "unpcklps %xmm1, %xmm0")                                                                                      \
    X(1, "unpckhpd %xmm1, %xmm0")                                                                                      \
    X(1, "shufps $0x88, %xmm1, %xmm0")                                                                                 \
    X(1, "shufps $0xdd, (%rdi), %xmm0")                                                                                \
    X(1, "shufps $0x1b, %xmm0, %xmm0")                                                                                 \
    X(1, "shufpd $0x1, %xmm1, %xmm0")                                                                                  \
    X(1, "shufpd $0x2, %xmm1, %xmm0")                                                                                  \
    X(1, "pshufd $0x4e, %xmm1, %xmm0")                                                                                 \
    X(1, "pshufd $0xe8, %xmm1, %xmm0")                                                                                 \
    X(1, "pshuflw $0xd8, %xmm1, %xmm0")                                                                                \
    X(1, "pshufhw $0xe8, %xmm1, %xmm0")                                                                                \
    X(1, "psrldq $3, %xmm0")                                                                                           \
    X(1, "pslldq $5, %xmm0")                                                                                           \
    X(1, "movddup %xmm1, %xmm0")                                                                                       \
    X(1, "movddup (%rdi), %xmm0")                                                                                      \
    X(1, "movsldup %xmm1, %xmm0")                                                                                      \
    X(1, "movshdup (%rdi), %xmm0")                                                                                     \
    X(1, "pinsrw $3, %eax, %xmm0")                                                                                     \
    X(1, "pinsrw $5, (%rdi), %xmm0")                                                                                   \
    X(1, "pextrw $6, %xmm0, %eax")                                                                                     \
    X(1, "psrld $16, %xmm0")                                                                                           \
    X(1, "psllw $8, %xmm0")                                                                                            \
    X(1, "psrlq $32, %xmm0")                                                                                           \
    X(0, "psraw $8, %xmm0")                                                                                            \
    X(0, "psrad $12, %xmm0")                                                                                           \
    X(0, "psrlq $13, %xmm0")                                                                                           \
    X(0, "pslld $20, %xmm0")                                                                                           \
    X(0, "psrld %xmm1, %xmm0")                                                                                         \
    X(0, "psllw (%rdi), %xmm0")                                                                                        \
    X(0, "paddb %xmm1, %xmm0")                                                                                         \
    X(0, "paddd (%rdi), %xmm0")                                                                                        \
    X(0, "psubw %xmm1, %xmm0")                                                                                         \
    X(1, "psubw %xmm0, %xmm0")                                                                                         \
    X(1, "pxor %xmm0, %xmm0")                                                                                          \
    X(1, "pxor %xmm1, %xmm0")                                                                                          \
    X(1, "pcmpeqd %xmm0, %xmm0")                                                                                       \
    X(0, "pcmpgtw %xmm1, %xmm0")                                                                                       \
    X(0, "pand %xmm1, %xmm0")                                                                                          \
    X(0, "pandn (%rdi), %xmm0")                                                                                        \
    X(1, "pand low_words(%rip), %xmm0")                                                                                \
    X(1, "movdqa low_words(%rip), %xmm2; pand %xmm2, %xmm0")                                                           \
    X(1, "movdqa low_words(%rip), %xmm2; pandn %xmm0, %xmm2")                                                          \
    X(1, "pcmpeqd %xmm2, %xmm2; psrlw $8, %xmm2; pand %xmm2, %xmm0")                                                   \
    X(1, "pxor %xmm2, %xmm2; pandn %xmm0, %xmm2")                                                                      \
    X(1, "movaps %xmm0, -24(%rsp); pxor %xmm0, %xmm0; shufps $0x88, -24(%rsp), %xmm0")                                 \
    X(1, "mov $0xff00, %eax; movd %eax, %xmm2; pshufd $0, %xmm2, %xmm2; pand %xmm2, %xmm0; xor %eax, %eax")            \
    X(0, "movups %xmm0, -40(%rsp); movups %xmm1, -24(%rsp); mov -32(%rsp), %rax")                                      \
    X(0, "pmullw %xmm1, %xmm0")                                                                                        \
    X(0, "pmuludq %xmm1, %xmm0")                                                                                       \
    X(0, "pmaddwd (%rdi), %xmm0")                                                                                      \
    X(0, "psadbw %xmm1, %xmm0")                                                                                        \
    X(0, "pavgb %xmm1, %xmm0")                                                                                         \
    X(0, "packuswb %xmm1, %xmm0")                                                                                      \
    X(0, "packssdw %xmm0, %xmm0")                                                                                      \
    X(0, "addps %xmm1, %xmm0")                                                                                         \
    X(0, "mulpd (%rdi), %xmm0")                                                                                        \
    X(0, "sqrtps %xmm1, %xmm0")                                                                                        \
    X(0, "cmpps $1, %xmm1, %xmm0")                                                                                     \
    X(0, "haddps %xmm1, %xmm0")                                                                                        \
    X(0, "haddpd (%rdi), %xmm0")                                                                                       \
    X(0, "addss %xmm1, %xmm0")                                                                                         \
    X(0, "mulsd (%rdi), %xmm0")                                                                                        \
    X(0, "cvtdq2ps %xmm1, %xmm0")                                                                                      \
    X(0, "cvtdq2pd %xmm1, %xmm0")                                                                                      \
    X(0, "cvtps2pd (%rdi), %xmm0")                                                                                     \
    X(0, "cvtpd2ps %xmm1, %xmm0")                                                                                      \
    X(0, "cvttpd2dq (%rdi), %xmm0")                                                                                    \
    X(0, "cvttsd2si %xmm1, %eax")                                                                                      \
    X(0, "cvttss2si (%rdi), %eax")                                                                                     \
    X(0, "comiss %xmm1, %xmm0; seta %al; movzbl %al, %eax")                                                            \
    X(0, "movmskps %xmm0, %eax")                                                                                       \
    X(0, "pmovmskb %xmm1, %eax")

#define LATER_SUBJECTS(X)                                                                                              \
    X(1, "pshufb order(%rip), %xmm0")                                                                                  \
    X(0, "pshufb %xmm1, %xmm0")                                                                                        \
    X(1, "palignr $5, %xmm1, %xmm0")                                                                                   \
    X(1, "palignr $19, (%rdi), %xmm0")                                                                                 \
    X(0, "phaddd %xmm1, %xmm0")                                                                                        \
    X(0, "phsubw %xmm1, %xmm0")                                                                                        \
    X(0, "pabsw %xmm1, %xmm0")                                                                                         \
    X(0, "pmaddubsw %xmm1, %xmm0")                                                                                     \
    X(1, "blendps $5, %xmm1, %xmm0")                                                                                   \
    X(1, "blendpd $2, (%rdi), %xmm0")                                                                                  \
    X(1, "pblendw $0xa3, %xmm1, %xmm0")                                                                                \
    X(1, "insertps $0x9c, %xmm1, %xmm0")                                                                               \
    X(1, "insertps $0x9c, (%rdi), %xmm0")                                                                              \
    X(1, "extractps $2, %xmm0, %eax")                                                                                  \
    X(1, "pinsrb $9, (%rdi), %xmm0")                                                                                   \
    X(1, "pinsrd $2, (%rdi), %xmm0")                                                                                   \
    X(1, "pextrb $11, %xmm0, (%rsi)")                                                                                  \
    X(1, "pextrq $1, %xmm0, %rax")                                                                                     \
    X(1, "pmovzxbw (%rdi), %xmm0")                                                                                     \
    X(1, "pmovzxwd %xmm1, %xmm0")                                                                                      \
    X(1, "pmovzxbq (%rdi), %xmm0")                                                                                     \
    X(0, "pmovsxbd %xmm1, %xmm0")                                                                                      \
    X(0, "packusdw %xmm1, %xmm0")                                                                                      \
    X(0, "pmulld %xmm1, %xmm0")                                                                                        \
    X(0, "pmuldq (%rdi), %xmm0")                                                                                       \
    X(0, "blendvps %xmm0, %xmm2, %xmm1")                                                                               \
    X(1, "vmovups (%rdi), %ymm0")                                                                                      \
    X(1, "vmovdqu %ymm1, (%rsi)")                                                                                      \
    X(1, "vmovaps %xmm1, %xmm0")                                                                                       \
    X(1, "vmovss %xmm1, %xmm2, %xmm0")                                                                                 \
    X(1, "vmovhps (%rdi), %xmm1, %xmm0")                                                                               \
    X(1, "vmovlpd %xmm0, (%rsi)")                                                                                      \
    X(1, "vmovhpd %xmm0, (%rsi)")                                                                                      \
    X(1, "vshufps $0x88, (%rdi), %ymm1, %ymm0")                                                                        \
    X(1, "vshufpd $0x5, %ymm2, %ymm1, %ymm0")                                                                          \
    X(1, "vpermilps $0x1b, %ymm1, %ymm0")                                                                              \
    X(1, "vpermilpd $0x6, %ymm1, %ymm0")                                                                               \
    X(0, "vpermilps %ymm2, %ymm1, %ymm0")                                                                              \
    X(1, "vpshufd $0xe8, %ymm1, %ymm0")                                                                                \
    X(1, "vpshuflw $0x1b, %ymm1, %ymm0")                                                                               \
    X(1, "vpermq $0xd8, %ymm1, %ymm0")                                                                                 \
    X(1, "vpermpd $0x4e, (%rdi), %ymm0")                                                                               \
    X(1, "vperm2f128 $0x31, %ymm2, %ymm1, %ymm0")                                                                      \
    X(1, "vperm2i128 $0x83, %ymm2, %ymm1, %ymm0")                                                                      \
    X(1, "vextractf128 $1, %ymm1, %xmm0")                                                                              \
    X(1, "vextracti128 $1, %ymm1, (%rsi)")                                                                             \
    X(1, "vinsertf128 $1, (%rdi), %ymm1, %ymm0")                                                                       \
    X(1, "vbroadcastss (%rdi), %ymm0")                                                                                 \
    X(1, "vpbroadcastw %xmm1, %ymm0")                                                                                  \
    X(1, "vbroadcastf128 (%rdi), %ymm0")                                                                               \
    X(1, "vpunpcklwd %ymm2, %ymm1, %ymm0")                                                                             \
    X(1, "vunpckhps (%rdi), %ymm1, %ymm0")                                                                             \
    X(1, "vpalignr $7, %ymm2, %ymm1, %ymm0")                                                                           \
    X(1, "vpsrldq $9, %ymm1, %ymm0")                                                                                   \
    X(1, "vpblendd $0x69, %ymm2, %ymm1, %ymm0")                                                                        \
    X(1, "vblendpd $0x6, (%rdi), %ymm1, %ymm0")                                                                        \
    X(1, "vpmovzxbd (%rdi), %ymm0")                                                                                    \
    X(0, "vpmovsxwd %xmm1, %ymm0")                                                                                     \
    X(1, "vpshufb order(%rip), %ymm1, %ymm0")                                                                          \
    X(1, "vmovdqa elements(%rip), %ymm2; vpermd %ymm1, %ymm2, %ymm0")                                                  \
    X(0, "vpermps (%rdi), %ymm1, %ymm0")                                                                               \
    X(1, "vpand low_words(%rip), %ymm1, %ymm0")                                                                        \
    X(1, "mov $0xff, %eax; vmovd %eax, %xmm2; vpbroadcastd %xmm2, %ymm2; vpand %ymm2, %ymm1, %ymm0; xor %eax, %eax")   \
    X(1, "vmovdqa elements(%rip), %ymm2; vmovdqu %ymm2, -64(%rsp); vpxor %xmm2, %xmm2, %xmm2; "                        \
         "vmovups -64(%rsp), %ymm2; vpermps %ymm1, %ymm2, %ymm0")                                                      \
    X(1, "vpbroadcastw low_words(%rip), %ymm2; vpand %ymm1, %ymm2, %ymm0")                                             \
    X(0, "vpaddd (%rdi), %ymm1, %ymm0")                                                                                \
    X(0, "vaddps %xmm2, %xmm1, %xmm0")                                                                                 \
    X(0, "vaddsd (%rdi), %xmm1, %xmm0")                                                                                \
    X(0, "vpackssdw %ymm2, %ymm1, %ymm0")                                                                              \
    X(0, "vphaddd %ymm2, %ymm1, %ymm0")                                                                                \
    X(0, "vpsrlq $8, %ymm1, %ymm0")                                                                                    \
    X(0, "vcvtpd2ps %ymm1, %xmm0")                                                                                     \
    X(0, "vcvtdq2pd %xmm1, %ymm0")                                                                                     \
    X(0, "vcomisd %xmm1, %xmm0; seta %al; movzbl %al, %eax")                                                           \
    X(0, "vfmadd231ps (%rdi), %ymm1, %ymm0")                                                                           \
    X(0, "vfnmadd132pd %ymm2, %ymm1, %ymm0")                                                                           \
    X(0, "vpmuludq %ymm2, %ymm1, %ymm0")                                                                               \
    X(0, "vptest %ymm1, %ymm0; setc %al; movzbl %al, %eax")

/* With EVEX. */
#define WIDE_SUBJECTS(X)                                                                                               \
    X(1, "vmovdqa32 %zmm1, %zmm0")                                                                                     \
    X(1, "vmovdqu8 (%rdi), %zmm0")                                                                                     \
    X(1, "vmovdqu64 (%rdi), %ymm0")                                                                                    \
    X(1, "vmovdqu16 (%rdi), %xmm0")                                                                                    \
    X(1, "vmovups %zmm1, (%rsi)")                                                                                      \
    X(1, "vmovdqa64 %zmm1, %zmm17; vpshufd $0x1b, %zmm17, %zmm0; vpxord %zmm17, %zmm17, %zmm17")                       \
    X(0, "vpaddd %zmm1, %zmm0, %zmm0")                                                                                 \
    X(0, "vpaddd (%rdi){1to16}, %zmm1, %zmm0")                                                                         \
    X(0, "vaddpd (%rdi){1to8}, %zmm1, %zmm0")                                                                          \
    X(0, "kxnorw %k1, %k1, %k1; vpaddd %zmm1, %zmm2, %zmm0{%k1}")                                                      \
    X(0, "kxnorw %k1, %k1, %k1; kshiftrw $5, %k1, %k1; vpaddd %zmm1, %zmm2, %zmm0{%k1}{z}")                            \
    X(0, "kxnorw %k1, %k1, %k1; kshiftrw $5, %k1, %k1; vmovdqa32 %zmm1, %zmm0{%k1}")                                   \
    X(0, "kxnorw %k1, %k1, %k1; kshiftrw $5, %k1, %k1; vpblendmd %zmm1, %zmm0, %zmm0{%k1}")                            \
    X(0, "kxnorw %k1, %k1, %k1; kshiftrw $5, %k1, %k1; vpshufd $0x1b, %zmm1, %zmm0{%k1}")                              \
    X(1, "vpxord %zmm1, %zmm2, %zmm0")                                                                                 \
    X(1, "vpxorq %zmm0, %zmm0, %zmm0")                                                                                 \
    X(0, "vpandq (%rdi), %zmm1, %zmm0")                                                                                \
    X(1, "vpandd low_words(%rip), %zmm1, %zmm0")                                                                       \
    X(1, "vpandd low_words(%rip){1to16}, %zmm1, %zmm0")                                                                \
    X(1, "vpsrld $8, high_words(%rip){1to16}, %zmm2; vpandnd %zmm0, %zmm2, %zmm2")                                     \
    X(1, "vpternlogd $255, %zmm2, %zmm2, %zmm2; vpsrlw $8, %zmm2, %zmm2; vpandnd %zmm0, %zmm2, %zmm2")                 \
    X(0, "vpternlogd $0x96, %zmm1, %zmm2, %zmm0")                                                                      \
    X(0, "vpermb bytes(%rip), %zmm1, %zmm0")                                                                           \
    X(1, "vmovdqu8 bytes(%rip), %zmm2; vpermb %zmm1, %zmm2, %zmm0")                                                    \
    X(1, "vmovdqu8 bytes(%rip), %ymm2; vpermw %ymm1, %ymm2, %ymm0")                                                    \
    X(1, "vmovdqu8 wide_elements(%rip), %zmm2; vpermd %zmm1, %zmm2, %zmm0")                                            \
    X(1, "vpmovsxbd small_elements(%rip), %zmm2; vpermd %zmm1, %zmm2, %zmm0")                                          \
    X(1, "vpmovzxbq small_elements(%rip), %zmm2; vpermq (%rdi), %zmm2, %zmm0")                                         \
    X(0, "vpermd %zmm1, %zmm2, %zmm0")                                                                                 \
    X(1, "vmovdqu8 wide_elements(%rip), %zmm2; vpermt2d %zmm1, %zmm2, %zmm0")                                          \
    X(1, "vmovdqu8 wide_elements(%rip), %zmm2; vpermi2d (%rdi), %zmm1, %zmm2")                                         \
    X(1, "vmovdqu8 wide_elements(%rip), %ymm2; vpermt2ps %ymm1, %ymm2, %ymm0")                                         \
    X(1, "vpmovsxbq small_elements(%rip), %zmm2; vpermi2pd %zmm1, %zmm0, %zmm2")                                       \
    X(1, "vmovdqu8 bytes(%rip), %zmm2; vpermt2w %zmm1, %zmm2, %zmm0")                                                  \
    X(1, "vmovdqu8 bytes(%rip), %zmm2; vpermi2b %zmm1, %zmm0, %zmm2")                                                  \
    X(0, "vpermt2d %zmm1, %zmm2, %zmm0")                                                                               \
    X(0, "vpermi2w %zmm1, %zmm2, %zmm0")                                                                               \
    X(1, "vpermq $0x4e, %zmm1, %zmm0")                                                                                 \
    X(1, "vpermpd $0x93, (%rdi), %zmm0")                                                                               \
    X(1, "vpmovdb %zmm1, %xmm0")                                                                                       \
    X(1, "vpmovqd %zmm1, %ymm0")                                                                                       \
    X(1, "vpmovwb %zmm1, (%rsi)")                                                                                      \
    X(1, "vpmovqw %ymm1, %xmm0")                                                                                       \
    X(0, "vpmovusdw %zmm1, %ymm0")                                                                                     \
    X(0, "vpmovswb %ymm1, %xmm0")                                                                                      \
    X(1, "vpmovzxbd (%rdi), %zmm0")                                                                                    \
    X(0, "vpmovsxwq %xmm1, %zmm0")                                                                                     \
    X(1, "vextracti32x4 $3, %zmm1, %xmm0")                                                                             \
    X(1, "vextractf64x4 $1, %zmm1, (%rsi)")                                                                            \
    X(1, "vextracti64x2 $1, %ymm1, %xmm0")                                                                             \
    X(1, "vinserti32x8 $1, %ymm1, %zmm2, %zmm0")                                                                       \
    X(1, "vinsertf32x4 $2, (%rdi), %zmm1, %zmm0")                                                                      \
    X(1, "vshufi32x4 $0xd8, %zmm1, %zmm2, %zmm0")                                                                      \
    X(1, "vshuff64x2 $2, %ymm1, %ymm2, %ymm0")                                                                         \
    X(1, "valignd $3, %zmm1, %zmm2, %zmm0")                                                                            \
    X(1, "valignq $1, (%rdi), %ymm1, %ymm0")                                                                           \
    X(1, "vbroadcasti32x4 (%rdi), %zmm0")                                                                              \
    X(1, "vbroadcastf64x4 (%rdi), %zmm0")                                                                              \
    X(1, "vpbroadcastd %xmm1, %zmm0")                                                                                  \
    X(1, "mov $0xff00, %eax; vpbroadcastw %eax, %zmm2; vpandd %zmm2, %zmm1, %zmm0; xor %eax, %eax")                    \
    X(1, "vshufps $0x88, %zmm1, %zmm2, %zmm0")                                                                         \
    X(1, "vshufpd $0xa5, %zmm1, %zmm2, %zmm0")                                                                         \
    X(1, "vpermilpd $0x5a, %zmm1, %zmm0")                                                                              \
    X(1, "vpunpckhwd %zmm1, %zmm2, %zmm0")                                                                             \
    X(1, "vpalignr $5, (%rdi), %zmm2, %zmm0")                                                                          \
    X(1, "vpsrldq $3, %zmm1, %zmm0")                                                                                   \
    X(1, "vpshufb wide_order(%rip), %zmm1, %zmm0")                                                                     \
    X(0, "vpackuswb %zmm1, %zmm2, %zmm0")                                                                              \
    X(1, "vpsrlq $32, (%rdi), %zmm0")                                                                                  \
    X(0, "vpsraq $9, %zmm1, %zmm0")                                                                                    \
    X(0, "vcvttps2udq %zmm1, %zmm0")                                                                                   \
    X(0, "vcvtdq2pd %ymm1, %zmm0")                                                                                     \
    X(0, "vfmadd231ps (%rdi){1to16}, %zmm1, %zmm0")                                                                    \
    X(0, "vpmaxsq %zmm1, %zmm2, %zmm0")                                                                                \
    X(0, "vrndscaleps $3, %zmm1, %zmm0")                                                                               \
    X(0, "vpcmpgtd %zmm1, %zmm2, %k1; kmovw %k1, %eax")                                                                \
    X(0, "vaddss %xmm1, %xmm2, %xmm0")

__asm__(".section .rodata\n.balign 64\n"
        "high_words: .long 0xff00ff00\n.balign 64\n"
        "low_words: .rept 32\n .byte 255, 0\n.endr\n"
        "order: .rept 2\n .byte 0, 128, 5, 5, 15, 255, 2, 3, 8, 128, 128, 128, 1, 14, 7, 9\n.endr\n"
        "elements: .long 0, 2, 4, 6, 1, 3, 5, 7\n"
        ".balign 64\n"
        "wide_order: .rept 4\n .byte 0, 128, 5, 5, 15, 255, 2, 3, 8, 128, 128, 128, 1, 14, 7, 9\n.endr\n"
        "wide_elements: .long 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 31, 29, 27, 5, 5, 1\n"
        "small_elements: .byte 0, 2, 4, 6, 9, 11, 13, 15, 1, 3, 5, 7, 8, 10, 12, 14\n"
        "bytes: .set i, 0\n.rept 64\n .byte (i * 37 + 5) % 128\n .set i, i + 1\n.endr\n.text");

/* A table of where each begins and ends, and what is told of it, in the same order. */
#define EMIT(moves, ops)                                                                                               \
    "1:\n.cfi_startproc\n\t" ops                                                                                       \
    "\n2:\tret\n.cfi_endproc\n.pushsection subject_table, \"aw\"\n.quad 1b, 2b\n.popsection\n"
__asm__(".text\n" LEGACY_SUBJECTS(EMIT) LATER_SUBJECTS(EMIT) WIDE_SUBJECTS(EMIT));
extern const struct {
    const uint8_t *code, *end;
} __start_subject_table[];

/* What the CPU must have, and how large registers are then. */
enum level { SSE, AVX2, AVX512 };

static const struct subject {
    enum level level;
    bool moves;
    const char *text;
} subjects[] = {
#define LEGACY(moves, ops) {SSE, moves, ops},
#define LATER(moves, ops)  {AVX2, moves, ops},
#define WIDE(moves, ops)   {AVX512, moves, ops},
    LEGACY_SUBJECTS(LEGACY) LATER_SUBJECTS(LATER) WIDE_SUBJECTS(WIDE)};

/* ---- as the CPU does ------------------------------------------------------------------------------------------------- */

enum { REGISTERS = 3, READ = REGISTERS /* the memory that is read is the source behind them */, SOURCES };

struct machine {
    _Alignas(64) uint8_t source[SOURCES][VECTOR_BYTES];
    _Alignas(64) uint8_t written[VECTOR_BYTES];
    uint64_t rax;
};

/* Calls the code with three registers as they are in memory, and puts them back there.  The stack is aligned as for any function, below
 * what this one may keep under it. */
#define RUN(move, reg, end)                                                                                            \
    __asm__ volatile(move " (%[at]), %%" reg "0\n\t" move " 64(%[at]), %%" reg "1\n\t" move " 128(%[at]), %%" reg      \
                          "2\n\tmovq %%rsp, %%r12\n\tleaq -128(%%rsp), %%rsp\n\tandq $-16, %%rsp\n\t"                  \
                          "call *%[code]\n\tmovq %%r12, %%rsp\n\t" move " %%" reg "0, (%[at])\n\t" move " %%" reg      \
                          "1, 64(%[at])\n\t" move " %%" reg "2, 128(%[at])\n\t" end                                    \
                     : "+a"(machine->rax)                                                                              \
                     : [at] "r"(machine->source[0]), [code] "r"(code), "D"(machine->source[READ]),                     \
                       "S"(machine->written)                                                                           \
                     : "xmm0", "xmm1", "xmm2", "r12", "memory", "cc")

static void run(struct machine *machine, const uint8_t *code, enum level level)
{
    if (level == AVX512)
        RUN("vmovdqa64", "zmm", "vzeroupper");
    else if (level == AVX2)
        RUN("vmovdqa", "ymm", "vzeroupper");
    else
        RUN("movdqa", "xmm", "");
}

static void fill(struct machine *machine)
{
    *machine = (struct machine){.rax = 0};
    for (int i = 0; i < SOURCES; i++)
        for (size_t k = 0; k < VECTOR_BYTES; k += sizeof(uint64_t)) {
            uint64_t word = (uint64_t)random() << 33 ^ (uint64_t)random() << 16 ^ (uint64_t)random();
            memcpy(&machine->source[i][k], &word, sizeof word);
        }
}

/* What differs in the two, after a byte of a source was changed: that one depends on it. */
struct outcome {
    struct vector_bytes registers[REGISTERS];
    uint64_t used;
};

static void gather(struct outcome *seen, const struct machine *a, const struct machine *b, unsigned byte)
{
    uint64_t bit = UINT64_C(1) << byte;
    for (int i = 0; i < REGISTERS; i++)
        for (int k = 0; k < VECTOR_BYTES; k++)
            seen->registers[i].of[k] |= a->source[i][k] != b->source[i][k] ? bit : 0;
    if (memcmp(a->written, b->written, sizeof a->written) != 0 || a->rax != b->rax)
        seen->used |= bit;
}

static void observe(struct outcome *seen, const uint8_t *code, int source, enum level level)
{
    enum { TRIALS = 24 };
    for (int trial = 0; trial < TRIALS; trial++)
        for (unsigned byte = 0; byte < VECTOR_BYTES; byte++) {
            struct machine first, second;
            fill(&first);
            second = first;
            second.source[source][byte] ^= (uint8_t)(random() % UINT8_MAX + 1);
            run(&first, code, level);
            run(&second, code, level);
            gather(seen, &first, &second, byte);
        }
}

/* ---- as it is said ----------------------------------------------------------------------------------------------------- */

struct program {
    struct elf_module module;
    uint64_t bias;
};

static struct function function_at_code(const struct program *program, const uint8_t *code)
{
    struct function function;
    size_t index = function_at(&program->module, (uintptr_t)code - program->bias);
    assert_int_not_equal(index, SIZE_MAX);
    assert_true(function_model_make(&program->module, index, &function));
    assert_null(function.refusal);
    return function;
}

static int memory_operand(const struct insn *insn)
{
    for (int i = 0; i < insn->decoded.operand_count_visible; i++)
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && insn->operands[i].mem.base == ZYDIS_REGISTER_RDI)
            return i;
    return -1;
}

/* Returns: whether the source is one of the subject's. */
static bool predict(struct vector_state *state, const struct program *program, const struct function *function,
                    int source)
{
    bool is_one = source != READ;
    struct vector_bytes each;
    *state = (struct vector_state){.holding = 0};
    for (unsigned k = 0; k < VECTOR_BYTES; k++)
        each.of[k] = UINT64_C(1) << k;
    if (source != READ)
        vector_bytes_set(state, (unsigned)source, &each);
    for (size_t i = 0; i < function->insn_count && function->insns[i].role == ROLE_PLAIN; i++) {
        const struct vector_place place = {&program->module, function, i};
        int loaded = source == READ ? memory_operand(&function->insns[i]) : -1;
        is_one |= loaded >= 0;
        vector_bytes_follow(state, &place, loaded);
    }
    return is_one;
}

/* Returns: how many bytes of a vector register run() saves. */
static unsigned width_at(enum level level)
{
    return level == AVX512 ? VECTOR_BYTES : level == AVX2 ? VECTOR_BYTES / 2 : VECTOR_BYTES / 4;
}

static void compare(const struct subject *subject, const struct vector_state *said, const struct outcome *seen,
                    int source, unsigned width)
{
    for (unsigned i = 0; i < REGISTERS; i++)
        for (unsigned k = 0; k < width; k++) {
            uint64_t may = vector_bytes_at(said, i)->of[k] | (subject->moves ? 0 : said->used),
                     does = seen->registers[i].of[k];
            if ((does & ~may) != 0 || (subject->moves && does != may))
                fail_msg("%s: of source %d byte %u of register %u depends on %#" PRIx64 ", not on %#" PRIx64,
                         subject->text, source, k, i, does, may);
        }
    if ((seen->used & ~said->used) != 0 || (subject->moves && seen->used != said->used))
        fail_msg("%s: of source %d it uses %#" PRIx64 ", not %#" PRIx64, subject->text, source, seen->used, said->used);
}

static uint64_t bias_of(const void *code, const struct elf_module *module)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long long low = 0, high = 0, offset = 0, bias = 0;
    char line[512];
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%llx-%llx %*s %llx", &low, &high, &offset) == 3 && (uintptr_t)code >= low &&
            (uintptr_t)code < high)
            for (size_t i = 0; i < module->segment_count; i++)
                if (module->segments[i].executable)
                    bias = low - offset + module->segments[i].file_offset - module->segments[i].address;
    fclose(maps);
    return bias;
}

static enum level level_of_cpu(void)
{
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vbmi");
    return has_avx2 && has_avx512 ? AVX512 : has_avx2 ? AVX2 : SSE;
}

static void test_results_depend_on_what_is_said(void **state)
{
    (void)state;
    struct program program;
    const char *message = NULL;
    enum level level = level_of_cpu();
    assert_int_equal(elf_module_open(&program.module, "/proc/self/exe", &message), 0);
    program.bias = bias_of(__start_subject_table[0].code, &program.module);
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        if (subjects[i].level > level)
            continue;
        struct function function = function_at_code(&program, __start_subject_table[i].code);
        for (int source = 0; source < SOURCES; source++) {
            struct vector_state said;
            struct outcome seen = {.used = 0};
            if (!predict(&said, &program, &function, source))
                continue;
            observe(&seen, __start_subject_table[i].code, source, level);
            compare(&subjects[i], &said, &seen, source, width_at(level));
        }
        function_model_free(&function);
    }
    elf_module_close(&program.module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_results_depend_on_what_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
