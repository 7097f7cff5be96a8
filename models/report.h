// report.html: all of a run on one page that needs no other file.
#pragma once

#include "models/run_folder.h"

namespace gesso::models {

/// Made from config.json, metrics.jsonl and samples/ alone.
void write_report(const RunFolder& run);

}  // namespace gesso::models
