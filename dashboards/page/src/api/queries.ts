// What screens ask for: lists page by page, single things, and how often they are asked again.
import { useInfiniteQuery, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";
import { get, type Problem, type Query } from "./client";
import { kMaxLivePages, useLiveInterval } from "../live";
import type { Page } from "./model";

/** Rows of one page of a list. */
export const kPageItems = 100;
/** Of the pages after the first: who scrolls on is likely to scroll far. The server's limit. */
const kLaterPageItems = 500;

export interface List<T> {
  items: T[];
  isLoading: boolean;
  problem: Problem | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  /** More pages exist than were read: the number of items is not the whole. */
  isPartial: boolean;
}

export function useList<T>(path: string, query: Query = {}, options: { limit?: number; live?: boolean; enabled?: boolean; livePages?: number } = {}): List<T> {
  const interval = useLiveInterval();
  const limit = options.limit ?? kPageItems;
  const livePages = options.live === false ? 0 : (options.livePages ?? kMaxLivePages);
  const result = useInfiniteQuery<Page<T>, Problem, { pages: Page<T>[] }, unknown[], string | null>({
    queryKey: [path, query, limit],
    queryFn: ({ pageParam, signal }) => get<Page<T>>(path, { ...query, limit: pageParam === null ? limit : kLaterPageItems, cursor: pageParam }, signal),
    initialPageParam: null,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: (state) => ((state.state.data?.pages.length ?? 1) > livePages ? false : interval),
    meta: { livePages },
    enabled: options.enabled ?? true,
  });
  const items = useMemo(() => result.data?.pages.flatMap((page) => page.items) ?? [], [result.data]);
  return {
    items,
    isLoading: result.isPending && (options.enabled ?? true),
    problem: result.isError && !result.data ? result.error : null,
    hasMore: result.hasNextPage,
    isLoadingMore: result.isFetchingNextPage,
    loadMore: () => {
      if (!result.isFetchingNextPage) void result.fetchNextPage();
    },
    isPartial: result.hasNextPage,
  };
}

/** A list without pages, or one whose first page is enough. */
export function usePlain<T>(path: string, query?: Query, options: { enabled?: boolean; live?: boolean } = {}): UseQueryResult<T, Problem> {
  const interval = useLiveInterval();
  return useQuery<T, Problem>({
    queryKey: [path, query ?? {}],
    queryFn: ({ signal }) => get<T>(path, query, signal),
    refetchInterval: options.live === false ? false : interval,
    enabled: options.enabled ?? true,
  });
}
