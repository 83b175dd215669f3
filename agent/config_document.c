/* SPDX-License-Identifier: BSD-2-Clause */
/* From text to one YAML document, with libyaml's complaints in our form. */
#include "config_reader.h"

#include <string.h>

#define MAX_DEPTH 32u /* no key needs a third of it */

struct shape {
	unsigned int documents, depth;
};

/* libyaml gives a byte's offset for what it cannot decode, and a mark for everything else. */
static struct config_place place_of_offset(const char *text, size_t offset)
{
	struct config_place place = { 1, 1 };
	size_t i;

	for (i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			place.line++;
			place.column = 1;
		} else if ((text[i] & 0xc0) != 0x80) {
			place.column++; /* characters, as in marks: bytes that only continue one do not count */
		}
	}
	return place;
}

static int complain_syntax(struct config_reader *reader, const yaml_parser_t *parser, const char *text, size_t length)
{
	const char *problem = parser->problem, *context = parser->context;
	const yaml_mark_t *mark = &parser->problem_mark;
	struct config_place place;

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return config_complain_memory(reader);
	case YAML_READER_ERROR:
		place = place_of_offset(text, parser->problem_offset < length ? parser->problem_offset : length);
		return config_complain(reader, place, "%s, expected UTF-8 text", parser->problem);
	default:
		/* The one composer error with a context is cut in two by libyaml: "second occurrence", "first ...". */
		if (parser->error == YAML_COMPOSER_ERROR && parser->context) {
			problem = "found an anchor that was defined before";
			context = NULL;
		}
		place = (struct config_place){ (unsigned int)mark->line + 1, (unsigned int)mark->column + 1 };
		return config_complain(reader, place, "%s%s%s, expected valid YAML", problem, context ? " " : "",
				       context ? context : "");
	}
}

/* What is wrong with the shape of the stream at this event. */
static int check_event(struct config_reader *reader, const yaml_event_t *event, struct shape *shape)
{
	struct config_place place = { (unsigned int)event->start_mark.line + 1,
				      (unsigned int)event->start_mark.column + 1 };

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (shape->documents++)
			return config_complain(reader, place, "a second document, expected only one in the file");
		return 0;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (shape->depth++ == MAX_DEPTH)
			return config_complain(reader, place,
					       "lists and mappings nested too deep, expected up to %u levels",
					       MAX_DEPTH);
		return 0;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		shape->depth--;
		return 0;
	default:
		return 0;
	}
}

static void start_parser(yaml_parser_t *parser, const char *text, size_t length)
{
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING); /* else it would take UTF-16 as well */
	yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
}

/* Go through the stream once before anything is built: libyaml's time grows with the square of the depth. */
static int check_shape(struct config_reader *reader, const char *text, size_t length)
{
	struct shape shape = { 0 };
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return config_complain_memory(reader);
	start_parser(&parser, text, length);
	while (!err && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			err = complain_syntax(reader, &parser, text, length);
			break;
		}
		err = check_event(reader, &event, &shape);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (!err && !shape.documents)
		err = config_complain(reader, (struct config_place){ 1, 1 },
				      "the file is empty, expected a mapping with interfaces and services");
	return err;
}

int config_document_load(struct config_reader *reader, const char *text, size_t length)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	yaml_parser_t parser;
	int err;

	if (length >= 3 && !memcmp(text, byte_order_mark, 3)) {
		text += 3; /* libyaml would count it as a column */
		length -= 3;
	}
	err = check_shape(reader, text, length);
	if (err)
		return err;
	if (!yaml_parser_initialize(&parser))
		return config_complain_memory(reader);
	start_parser(&parser, text, length);
	if (!yaml_parser_load(&parser, &reader->document))
		err = complain_syntax(reader, &parser, text, length); /* of aliases and anchors */
	yaml_parser_delete(&parser);
	return err;
}
