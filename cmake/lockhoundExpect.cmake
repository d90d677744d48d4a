# Runs one program under lockhound and compares what it found with EXPECT.  Started by lockhound_add_test():
#
#   cmake -DLOCKHOUND=… -DPROGRAM=… -DEXPECT=kind,kind -DSTATUS=0 -DREPORT=file.json -P lockhoundExpect.cmake
#         -- options -- program argument…
#
# PROGRAM stands in for the program's word, which may be the name of a target.
set(options)
set(arguments)
set(dashes 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  string(REPLACE ";" "\\;" word "${CMAKE_ARGV${index}}")
  if(dashes LESS 2 AND word STREQUAL "--")
    math(EXPR dashes "${dashes} + 1")
    set(is_program TRUE)
  elseif(dashes EQUAL 1)
    list(APPEND options "${word}")
  elseif(dashes EQUAL 2 AND is_program)
    set(is_program FALSE)
  elseif(dashes EQUAL 2)
    list(APPEND arguments "${word}")
  endif()
endforeach()

file(REMOVE "${REPORT}")
# Findings are judged here, so the program keeps its own exit status.
execute_process(COMMAND "${LOCKHOUND}" run "--json=${REPORT}" --error-exitcode=0 ${options} -- "${PROGRAM}" ${arguments}
  RESULT_VARIABLE status)

if(NOT EXISTS "${REPORT}")
  message(FATAL_ERROR "lockhound left no report; exit status ${status}")
endif()
if(NOT STATUS STREQUAL "any" AND NOT status STREQUAL STATUS)
  message(FATAL_ERROR "the program's exit status is ${status}, not ${STATUS}")
endif()

file(READ "${REPORT}" report)
string(JSON count LENGTH "${report}" findings)
set(found)
if(count GREATER 0)
  math(EXPR last "${count} - 1")
  foreach(index RANGE ${last})
    string(JSON kind GET "${report}" findings ${index} kind)
    list(APPEND found ${kind})
  endforeach()
endif()
list(REMOVE_DUPLICATES found)
list(SORT found)

string(REPLACE "," ";" expected "${EXPECT}")
list(REMOVE_ITEM expected clean)
list(SORT expected)
if(NOT "${found}" STREQUAL "${expected}")
  message(FATAL_ERROR "expected: ${expected}\nfound:    ${found}\nreport:   ${REPORT}")
endif()
