/*
 * Paint: ANSI sequences, block characters, widths by the C library.
 *
 * Widths need a UTF-8 locale whatever the user's is, since the data is UTF-8: main sets LC_CTYPE to
 * C.UTF-8, which is part of the C library. What may be drawn depends on the user's own locale.
 */
#include "cli/render/paint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static bool
locale_is_utf8(void)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

struct rc_paint
rc_paint_of(FILE *out, int color)
{
    struct rc_paint paint = {.out = out, .unicode = locale_is_utf8(), .width = 100};
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const bool terminal = isatty(fileno(out)) != 0;
    struct winsize size;
    if (terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        paint.width = size.ws_col;
    paint.color = color > 0 || (color == 0 && terminal && (no_color == NULL || *no_color == '\0') &&
                                term != NULL && strcmp(term, "dumb") != 0);
    return paint;
}

/* Decodes one character; *ret_width is its width. Returns its bytes, at least 1. */
static size_t
character(const char *text, unsigned *ret_width)
{
    wchar_t wide = 0;
    mbstate_t state = {0};
    const size_t size = mbrtowc(&wide, text, strlen(text), &state);
    if (size == 0 || size > 4) {
        *ret_width = 1;
        return 1;
    }
    const int width = wcwidth(wide);
    *ret_width = width < 0 ? 1 : (unsigned)width;
    return size;
}

unsigned
rc_paint_text_width(const char *text)
{
    unsigned total = 0;
    while (*text != '\0') {
        unsigned width = 0;
        text += character(text, &width);
        total += width;
    }
    return total;
}

unsigned
rc_paint_text(const struct rc_paint *paint, const char *text, unsigned width)
{
    const bool cut = rc_paint_text_width(text) > width;
    const unsigned room = cut && width > 0 ? width - 1 : width;
    unsigned used = 0;
    while (*text != '\0') {
        unsigned one = 0;
        const size_t size = character(text, &one);
        if (used + one > room)
            break;
        if (size == 1 && ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F))
            fputc('?', paint->out);
        else
            fwrite(text, 1, size, paint->out);
        used += one;
        text += size;
    }
    if (cut && width > 0) {
        fputs(paint->unicode ? "\u2026" : ">", paint->out);
        used++;
    }
    return used;
}

void
rc_paint_begin(const struct rc_paint *paint, enum rc_ink ink)
{
    static const char *const inks[] = {"",         "\033[1m",  "\033[2m",
                                       "\033[34m", "\033[32m", "\033[31m"};
    if (paint->color)
        fputs(inks[ink], paint->out);
}

void
rc_paint_shade(const struct rc_paint *paint, double share)
{
    /* From nearly white to deep blue; a share is seldom high, so the root spreads the low ones. */
    static const int shades[] = {231, 195, 153, 117, 75, 39, 33, 27, 20, 18};
    if (!paint->color || isnan(share))
        return;
    const double spread = sqrt(share < 0 ? 0 : share > 1 ? 1 : share);
    const int at = (int)(spread * 9.999);
    fprintf(paint->out, "\033[48;5;%d;38;5;%dm", shades[at], at >= 5 ? 231 : 16);
}

void
rc_paint_end(const struct rc_paint *paint)
{
    if (paint->color)
        fputs("\033[0m", paint->out);
}

void
rc_paint_bar(const struct rc_paint *paint, double share, unsigned width)
{
    static const char *const eighths[] = {"",       "\u258f", "\u258e", "\u258d",
                                          "\u258c", "\u258b", "\u258a", "\u2589"};
    const double wanted = (isnan(share) || share < 0 ? 0 : share > 1 ? 1 : share) * width * 8;
    unsigned parts = (unsigned)lround(wanted);
    if (parts == 0 && share > 0)
        parts = 1;
    unsigned used = 0;
    rc_paint_begin(paint, RC_INK_BAR);
    for (; used < parts / 8; used++)
        fputs(paint->unicode ? "\u2588" : "#", paint->out);
    if (used < width && parts % 8 != 0 && (paint->unicode || parts % 8 >= 4 || used == 0)) {
        fputs(paint->unicode ? eighths[parts % 8] : parts % 8 >= 4 ? "#" : "|", paint->out);
        used++;
    }
    rc_paint_end(paint);
    fprintf(paint->out, "%*s", (int)(width - used), "");
}

const char *
rc_paint_count(char text[32], uint64_t count)
{
    char digits[24];
    const int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    char *to = text;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *
rc_paint_number(char text[48], double number)
{
    if (isnan(number))
        return strcpy(text, "-");
    if (number >= 0 && number < 1e15 && number == floor(number)) {
        char count[32];
        snprintf(text, 48, "%s", rc_paint_count(count, (uint64_t)number));
    } else {
        snprintf(text, 48, fabs(number) < 1e15 ? "%.2f" : "%.6g", number);
    }
    return text;
}
