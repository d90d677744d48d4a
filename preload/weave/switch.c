#include "preload/weave/switch.h"

bool weave_on;
bool blocks_on;
