# Runs one program under lockhound and compares what it found with EXPECT.  Started by lockhound_add_test():
#
#   cmake -DLOCKHOUND=… -DEXPECT=kind,kind -DSTATUS=0 -DREPORT=file.json -P lockhoundExpect.cmake -- options -- program…

# What stands after the first "--" goes to the command as it is.
set(words)
set(ours TRUE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  if(NOT ours)
    string(REPLACE ";" "\\;" word "${CMAKE_ARGV${index}}")
    list(APPEND words "${word}")
  elseif(CMAKE_ARGV${index} STREQUAL "--")
    set(ours FALSE)
  endif()
endforeach()

file(REMOVE "${REPORT}")
# Findings are judged here, so the program keeps its own exit status.
execute_process(COMMAND "${LOCKHOUND}" run "--json=${REPORT}" --error-exitcode=0 ${words} RESULT_VARIABLE status)

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
