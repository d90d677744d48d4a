/* lanes.c: gathers, scatters and accesses under a mask, which touch each second element: what lies between belongs to another
 * thread; and loops that a compiler makes such accesses of.  In the racy form that one writes one that is touched.
 */
#include <immintrin.h>
#include <stdint.h>

#include "chosen.h"

enum { LANES = 16, RACING = 6 };

#define APART __attribute__((noinline)) static void

static _Alignas(64) int ints[LANES];
_Alignas(64) int others[LANES]; /* which another file might read */
static _Alignas(64) int64_t longs[LANES];
static _Alignas(64) uint8_t bytes[LANES];
static volatile int total;

/* ---- one side ------------------------------------------------------------------------------------------------------ */

APART bytes_first(void)
{
    __m128i chosen_ones = _mm_set1_epi16(0x80);
    _mm_maskmoveu_si128(_mm_set1_epi8(3), chosen_ones, (char *)bytes);
}

#ifdef __AVX2__
static __m256i each_second(void)
{
    return _mm256_set_epi32(0, -1, 0, -1, 0, -1, 0, -1);
}

APART loaded_first(void)
{
    total = _mm256_extract_epi32(_mm256_maskload_epi32(ints, each_second()), RACING);
}

APART stored_first(void)
{
    _mm256_maskstore_epi32(ints, each_second(), _mm256_set1_epi32(5));
}

APART gathered_first(void)
{
    __m256i places = _mm256_set_epi32(14, 12, 10, 8, 6, 4, 2, 0);
    total = _mm256_extract_epi32(_mm256_i32gather_epi32(ints, places, sizeof *ints), 1);
}

APART gathered_some_first(void)
{
    __m256i places = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    __m256i got = _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), ints, places, each_second(), sizeof *ints);
    total = _mm256_extract_epi32(got, 1);
}

APART gathered_longs_first(void)
{
    __m256i places = _mm256_set_epi64x(-2, -4, -8, -6);
    __m256i got = _mm256_i64gather_epi64((const long long *)longs + 12, places, sizeof *longs);
    total = (int)_mm256_extract_epi64(got, 1);
}
#endif

#ifdef __AVX512F__
enum { EACH_SECOND = 0x5555 };

APART under_bits_first(void)
{
    __m512i got = _mm512_mask_loadu_epi32(_mm512_setzero_si512(), EACH_SECOND, ints);
    _mm512_storeu_si512(others, got);
}

APART stored_under_bits_first(void)
{
    _mm512_mask_storeu_epi32(ints, EACH_SECOND, _mm512_set1_epi32(7));
}

APART bytes_under_bits_first(void)
{
    _mm_mask_storeu_epi8(bytes, EACH_SECOND, _mm_set1_epi8(7));
}

APART narrowed_first(void)
{
    _mm512_mask_cvtepi32_storeu_epi8(bytes, EACH_SECOND, _mm512_set1_epi32(7));
}

/* In C they would read all of it. */
#define UNDER(bits, what, from)                                                                                        \
    __asm__ volatile("kmovw %0, %%k1\n\tvpxord %%zmm0, %%zmm0, %%zmm0\n\t" what                                        \
                     :                                                                                                 \
                     : "r"(bits), "m"(from)                                                                            \
                     : "xmm0", "k1", "memory")

APART widened_first(void)
{
    UNDER(EACH_SECOND, "vpmovzxbd %1, %%zmm0%{%%k1%}", bytes);
}

APART added_first(void)
{
    UNDER(EACH_SECOND, "vpaddd %1, %%zmm0, %%zmm0%{%%k1%}", ints);
}

/* More lanes than are followed one by one, of which the upper ones are wanted. */
APART repeated_first(void)
{
    static uint16_t to[2 * LANES];
    _mm512_mask_storeu_epi16(to, 0xffff0000, _mm512_set1_epi32(ints[RACING]));
}

APART scattered_first(void)
{
    __m512i places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    _mm512_mask_i32scatter_epi32(ints, EACH_SECOND, places, _mm512_set1_epi32(9), sizeof *ints);
}

APART scattered_longs_first(void)
{
    __m256i places = _mm256_set_epi32(14, 12, 10, 8, 6, 4, 2, 0);
    _mm512_i32scatter_epi64(longs, places, _mm512_set1_epi64(9), sizeof *longs);
}

/* Seven of them, side by side; then none. */
APART packed_first(void)
{
    _mm512_mask_compressstoreu_epi32(ints, 0x5155, _mm512_set1_epi32(9));
    _mm512_mask_compressstoreu_epi32(ints, 0, _mm512_set1_epi32(9));
}

APART unpacked_first(void)
{
    _mm512_storeu_si512(others, _mm512_maskz_expandloadu_epi32(0x5155, ints));
}

/* One element for all lanes, of which none wants it but in the racy form, from where the other writes. */
APART spread_first(void)
{
    UNDER(racy ? 0x100 : 0, "vpaddd %1%{1to16%}, %%zmm0, %%zmm0%{%%k1%}", ints[1]);
}
#endif

/* ---- loops of few rounds, which compilers fold into one under a mask ------------------------------------------------ */

/* Of which another file might change all but the first; how many rounds there are is not known, but that they are few. */
_Alignas(64) uint8_t counts[64];
_Alignas(64) uint16_t words[64];
_Alignas(64) int kept[64], wanted[64];
float made[64];
volatile size_t bound;

enum { FOLDED_FROM = 17, FOLDED = 14 };

APART folded_first(void)
{
    size_t end = bound;
    for (size_t k = FOLDED; k > end; k--)
        counts[FOLDED_FROM + k - 1] += 1;
}

APART turned_first(void)
{
    size_t end = bound;
    for (size_t k = 3; k > end; k--)
        made[k] = words[FOLDED_FROM + 3 - k];
}

APART selected_first(void)
{
    int sum = 0, n = (int)bound + 11;
    for (int i = 0; i < n && i < 11; i++)
        if (wanted[i] == 0)
            sum += kept[FOLDED_FROM + i];
    total = sum;
}

/* ---- the other, of single ones -------------------------------------------------------------------------------------- */

#define WRITE(place) (*(volatile __typeof__(place) *)&(place) = 1)
#define WRITE_BETWEEN(array)                                                                                           \
    do {                                                                                                               \
        for (int i = 1; i < LANES; i += 2)                                                                             \
            WRITE((array)[i]);                                                                                         \
        if (racy)                                                                                                      \
            WRITE((array)[RACING]);                                                                                    \
    } while (0)

APART bytes_second(void)
{
    WRITE_BETWEEN(bytes);
}

APART folded_second(void)
{
    for (int i = FOLDED_FROM - 8; i < FOLDED_FROM; i++)
        WRITE(counts[i]);
    for (int i = FOLDED_FROM + FOLDED; i < 64; i++)
        WRITE(counts[i]);
    if (racy)
        WRITE(counts[FOLDED_FROM + 3]);
}

APART turned_second(void)
{
    for (int i = FOLDED_FROM + 3; i < 64; i++)
        WRITE(words[i]);
    if (racy)
        WRITE(words[FOLDED_FROM + 1]);
}

APART selected_second(void)
{
    for (int i = FOLDED_FROM + 11; i < 64; i++)
        WRITE(kept[i]);
    if (racy)
        WRITE(kept[FOLDED_FROM + 9]);
}

#ifdef __AVX2__
APART ints_second(void)
{
    WRITE_BETWEEN(ints);
}

APART longs_second(void)
{
    WRITE_BETWEEN(longs);
}
#endif

#ifdef __AVX512F__
APART behind_second(void)
{
    for (int i = RACING + 1; i < LANES; i++)
        WRITE(ints[i]);
    if (racy)
        WRITE(ints[RACING]);
}
#endif

static const struct {
    const char *name;
    void (*first)(void), (*second)(void);
} cases[] = {
    {"bytes", bytes_first, bytes_second},
    {"folded", folded_first, folded_second},
    {"turned", turned_first, turned_second},
#if defined(__AVX512F__) || !defined(__AVX2__) || !defined(__clang__)
    {"selected", selected_first, selected_second}, /* clang makes an AND of it for AVX2: docs/limits.md */
#endif
#ifdef __AVX2__
    {"loaded", loaded_first, ints_second},
    {"stored", stored_first, ints_second},
    {"gathered", gathered_first, ints_second},
    {"gathered-some", gathered_some_first, ints_second},
    {"gathered-longs", gathered_longs_first, longs_second},
#endif
#ifdef __AVX512F__
    {"under-bits", under_bits_first, ints_second},
    {"stored-under-bits", stored_under_bits_first, ints_second},
    {"bytes-under-bits", bytes_under_bits_first, bytes_second},
    {"narrowed", narrowed_first, bytes_second},
    {"widened", widened_first, bytes_second},
    {"added", added_first, ints_second},
    {"repeated", repeated_first, ints_second},
    {"scattered", scattered_first, ints_second},
    {"scattered-longs", scattered_longs_first, longs_second},
    {"packed", packed_first, behind_second},
    {"unpacked", unpacked_first, behind_second},
    {"spread", spread_first, ints_second},
#endif
};

PROGRAM_OF(cases)
