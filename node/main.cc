#include "node/process.h"

int main(int argc, char** argv) { return fathom::RunProcess(argc, argv); }
