// SPDX-License-Identifier: Apache-2.0
#include "explain_exec.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../base/io.h"

#define HEAD 256      /* what the kernel looks at (BINPRM_BUF_SIZE) */
#define MAX_DEPTH 4   /* interpreters of interpreters */
#define NAME_SIZE 320 /* of an interpreter, printable */

#if defined(__x86_64__)
#define NATIVE EM_X86_64
#elif defined(__i386__)
#define NATIVE EM_386
#elif defined(__aarch64__)
#define NATIVE EM_AARCH64
#elif defined(__arm__)
#define NATIVE EM_ARM
#elif defined(__riscv)
#define NATIVE EM_RISCV
#elif defined(__s390x__)
#define NATIVE EM_S390
#elif defined(__powerpc64__)
#define NATIVE EM_PPC64
#elif defined(__loongarch__)
#define NATIVE 258
#else
#define NATIVE EM_NONE
#endif

struct machine {
	unsigned int number;
	const char *name; /* as image platforms and uname call it */
};

static const struct machine machines[] = {
	{EM_386, "386 (i386)"},
	{EM_X86_64, "amd64 (x86_64)"},
	{EM_ARM, "arm"},
	{EM_AARCH64, "arm64 (aarch64)"},
	{EM_RISCV, "riscv64"},
	{EM_S390, "s390x"},
	{EM_PPC, "ppc"},
	{EM_PPC64, "ppc64le or ppc64"},
	{EM_MIPS, "mips"},
	{EM_SPARCV9, "sparc64"},
	{258, "loong64 (loongarch64)"},
};

struct file {
	int fd;
	ssize_t length; /* of head; < 0: unreadable */
	unsigned char head[HEAD + 1];
};

static int explain_file(int fd, int number, char *text, size_t size, unsigned int depth);

static int say(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int say(char *text, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, size, format, ap);
	va_end(ap);
	return 1;
}

/* Names come from the image: control bytes are written out. */
static const char *printable(char *to, const char *name)
{
	size_t n = 0;

	for (; *name && n + 5 < NAME_SIZE; name++) {
		unsigned char byte = (unsigned char)*name;

		if (byte == '\r')
			n += (size_t)sprintf(to + n, "\\r");
		else if (byte < ' ' || byte == 0x7f)
			n += (size_t)sprintf(to + n, "\\x%02x", byte);
		else
			to[n++] = (char)byte;
	}
	to[n] = '\0';
	return to;
}

static const char *machine_name(unsigned int number, char *other, size_t size)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].number == number)
			return machines[i].name;
	snprintf(other, size, "unknown (ELF machine %#x)", number);
	return other;
}

/* A number of an ELF header, in the order of bytes that the file says it has. */
static uint64_t elf_number(const unsigned char *ident, const unsigned char *at, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++) {
		unsigned int from = ident[EI_DATA] == ELFDATA2MSB ? i : size - 1 - i;

		value = value << 8 | at[from];
	}
	return value;
}

static int is_elf(const struct file *f)
{
	return f->length >= (ssize_t)sizeof(Elf32_Ehdr) && memcmp(f->head, ELFMAG, SELFMAG) == 0;
}

/* The dynamic linker that an ELF file asks for. Return: 1 when it asks for one. */
static int elf_interpreter(const struct file *f, char *name, size_t size)
{
	const unsigned char *h = f->head;
	int wide = h[EI_CLASS] == ELFCLASS64;
	uint64_t at = elf_number(h, h + (wide ? 32 : 28), wide ? 8 : 4);
	uint64_t entry = elf_number(h, h + (wide ? 54 : 42), 2);
	uint64_t count = elf_number(h, h + (wide ? 56 : 44), 2);

	if (f->length < (wide ? 64 : 52) || entry < (wide ? 56u : 32u) || at > INT32_MAX)
		return 0;
	for (uint64_t i = 0; i < count && i < 128; i++) {
		unsigned char p[56];
		uint64_t offset, length;
		ssize_t n;

		if (pread(f->fd, p, wide ? 56 : 32, (off_t)(at + i * entry)) != (wide ? 56 : 32))
			return 0;
		if (elf_number(h, p, 4) != PT_INTERP)
			continue;
		offset = elf_number(h, p + (wide ? 8 : 4), wide ? 8 : 4);
		length = elf_number(h, p + (wide ? 32 : 16), wide ? 8 : 4);
		if (length < 2 || length > size - 1 || offset > INT32_MAX)
			return 0;
		n = pread(f->fd, name, length, (off_t)offset);
		if (n != (ssize_t)length)
			return 0;
		name[length] = '\0';
		return 1;
	}
	return 0;
}

/* What the kernel would take from a #! line. Return: 1 when it names something. */
static int script_interpreter(const struct file *f, char *name, size_t size)
{
	const char *at = (const char *)f->head + 2;
	size_t n;

	if (f->length < 3 || f->head[0] != '#' || f->head[1] != '!')
		return 0;
	at += strspn(at, " \t");
	n = strcspn(at, " \t\n");
	/* The kernel refuses a name that it sees only a part of. */
	if (n == 0 || n >= size || at + n == (const char *)f->head + HEAD)
		return 0;
	memcpy(name, at, n);
	name[n] = '\0';
	return 1;
}

/* The program stands or falls with its interpreter. */
static int explain_interpreter(const char *name, int script, int number, char *text, size_t size,
			       unsigned int depth)
{
	const char *kind = script ? "interpreter" : "dynamic linker";
	const char *who = script ? "that its first line names" : "that it needs";
	char shown[NAME_SIZE], inner[NAME_SIZE + 200];
	size_t length = strlen(name);
	_fd_close_ int fd = -1;
	int missing;

	printable(shown, name);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP);
	if (missing && script && name[length - 1] == '\r')
		return say(text, size,
			   "its first line ends in a carriage return (CRLF), so that the "
			   "interpreter \"%s\" is looked for; save the script with LF line ends",
			   shown);
	if (missing)
		return say(text, size, "the %s \"%s\" %s is missing%s", kind, shown, who,
			   script ? "" : " (it was built for another distribution or C library)");
	if (fd < 0)
		fd = open(name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return say(text, size, "the %s \"%s\" %s cannot be reached", kind, shown, who);
	if (!explain_file(fd, number, inner, sizeof(inner), depth + 1))
		return 0;
	return say(text, size, "the %s \"%s\" %s cannot be used: %s", kind, shown, who, inner);
}

static int explain_elf(const struct file *f, char *text, size_t size)
{
	const unsigned char *h = f->head;
	unsigned int machine = (unsigned int)elf_number(h, h + 18, 2);
	unsigned int type = (unsigned int)elf_number(h, h + 16, 2);
	char theirs[64], ours[64];

	if (machine != NATIVE)
		return say(text, size,
			   "it is a program for the architecture %s, and this machine is %s",
			   machine_name(machine, theirs, sizeof(theirs)),
			   machine_name(NATIVE, ours, sizeof(ours)));
	if (type != ET_EXEC && type != ET_DYN)
		return say(text, size, "it is an ELF file, but no program (type %u)", type);
	return say(text, size, "its ELF header is damaged or cut off");
}

/* No format that the kernel knows. */
static int explain_format(const struct file *f, char *text, size_t size)
{
	static const struct {
		const char *magic;
		unsigned int length;
		const char *what;
	} others[] = {
		{"\xef\xbb\xbf#!", 5,
		 "it starts with a byte order mark, which must not stand before #!"},
		{"\xcf\xfa\xed\xfe", 4, "it is a program for macOS"},
		{"\xca\xfe\xba\xbe", 4, "it is a program for macOS or a Java class"},
		{"MZ", 2, "it is a program for Windows"},
		{"\x7f"
		 "ELF",
		 4, "it is an ELF file that is cut off"},
	};

	if (f->length == 0)
		return say(text, size, "the file is empty");
	if (is_elf(f))
		return explain_elf(f, text, size);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (f->length >= (ssize_t)others[i].length &&
		    memcmp(f->head, others[i].magic, others[i].length) == 0)
			return say(text, size, "%s", others[i].what);
	if (f->head[0] == '#' && f->length > 1 && f->head[1] == '!') {
		if (f->length == HEAD && !memchr(f->head, '\n', HEAD))
			return say(text, size, "its #! line is longer than %d bytes", HEAD);
		return say(text, size, "its first line names no interpreter after #!");
	}
	return say(text, size, "it is neither an ELF program nor a script that starts with #!");
}

static int explain_access(const struct file *f, char *text, size_t size)
{
	struct statvfs fs;
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return 0;
	if (!S_ISREG(st.st_mode))
		return say(text, size, "it is %s",
			   S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
	if (fstatvfs(f->fd, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		return say(text, size, "it lies on a mount with the option noexec");
	if (!(st.st_mode & 0111))
		return say(text, size, "nobody may execute it (mode %04o)", st.st_mode & 07777);
	return 0;
}

static int explain_file(int fd, int number, char *text, size_t size, unsigned int depth)
{
	struct file f = {.fd = fd};
	char name[HEAD + 1];
	int script, named;

	text[0] = '\0';
	f.length = pread(fd, f.head, HEAD, 0);
	script = script_interpreter(&f, name, sizeof(name));
	named = script || (is_elf(&f) && elf_interpreter(&f, name, sizeof(name)));
	switch (number) {
	case EACCES:
		if (explain_access(&f, text, size))
			return 1;
		break;
	case ENOEXEC:
		/* A script whose interpreter is at fault gives the interpreter's error. */
		if (!script || depth >= MAX_DEPTH)
			return f.length < 0 ? 0 : explain_format(&f, text, size);
		break;
	case ETXTBSY:
		return say(text, size, "the file is open for writing");
	case EAGAIN:
		return say(text, size, "the user has more processes than RLIMIT_NPROC allows");
	case ELOOP:
		return script && say(text, size, "too many interpreters name each other");
	case ENOENT:
	case ENOTDIR:
	case ELIBBAD:
		break;
	default:
		return 0;
	}
	if (number == ELIBBAD && depth)
		return f.length < 0 ? 0 : explain_format(&f, text, size);
	return named && depth < MAX_DEPTH &&
	       explain_interpreter(name, script, number, text, size, depth);
}

int explain_exec(int fd, int number, char *text, size_t size)
{
	return explain_file(fd, number, text, size, 0);
}
