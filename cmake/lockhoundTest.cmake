# lockhound_add_test(NAME name COMMAND program [argument...]
#                    [EXPECT clean | EXPECT kind...] [OPTIONS option...] [STATUS status])
#
# A test that runs a program under lockhound and compares the kinds of what was found with what was expected:
#   EXPECT clean      (the default) nothing may be found
#   EXPECT kind...    exactly these kinds, such as lock-order-inversion; see docs/findings.md
#   OPTIONS           further options of the command, such as --checks=all or --suppressions=FILE
#   STATUS            the program's own exit status, 0 by default; "any" when it does not matter, as after a deadlock
# `program` may be a target.
set(_lockhound_expect_script "${CMAKE_CURRENT_LIST_DIR}/lockhoundExpect.cmake")

function(lockhound_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;STATUS" "COMMAND;EXPECT;OPTIONS")
  if(NOT arg_NAME OR NOT arg_COMMAND)
    message(FATAL_ERROR "lockhound_add_test: NAME and COMMAND are needed")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lockhound_add_test(${arg_NAME}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_EXPECT)
    set(arg_EXPECT clean)
  endif()
  if(NOT DEFINED arg_STATUS)
    set(arg_STATUS 0)
  endif()
  # A target's file goes beside the words, which are handed on untouched: list commands would split at semicolons.
  list(GET arg_COMMAND 0 program)
  if(TARGET ${program})
    set(program_file -DPROGRAM=$<TARGET_FILE:${program}>)
  else()
    set(program_file -DPROGRAM=${program})
  endif()
  string(REPLACE ";" "," expect "${arg_EXPECT}")

  add_test(NAME ${arg_NAME}
    COMMAND ${CMAKE_COMMAND} -DLOCKHOUND=$<TARGET_FILE:lockhound::lockhound> -DEXPECT=${expect} -DSTATUS=${arg_STATUS}
            ${program_file} -DREPORT=${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}.lockhound.json
            -P ${_lockhound_expect_script} -- ${arg_OPTIONS} -- ${arg_COMMAND})
endfunction()
